-- The wearers of the watches; the whole file replaces the table.
SOURCE (
  name bronze.users,
  kind CSV (
    path 'seeds/users.csv'
  ),
  columns (
    userid bigint,
    fname text,
    lname text,
    dob integer,
    sex text,
    height double precision,
    weight double precision,
    blood_type text,
    race text,
    origin_country_code text,
    origin_country_name text,
    address text,
    address_country_code text,
    address_country_name text,
    last_update text
  ),
  on_error QUARANTINE
);
