-- The activities a watch can report; the whole file replaces the table.
SOURCE (
  name bronze.activities,
  kind CSV (
    path 'seeds/activities.csv'
  ),
  columns (
    activity_id bigint,
    activity_name text,
    last_update text
  ),
  on_error QUARANTINE
);
