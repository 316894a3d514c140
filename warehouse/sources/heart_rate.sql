-- What the watches send: one JSON object a line, in folders by the hour of the event.
-- `ingest --brokers` reads the topic that feeds the lake, without the lake between.
-- A column is named after the last word of its path.
SOURCE (
  name bronze.heart_rate,
  kind LAKE (
    path 'lake',
    topic heartrate
  ),
  columns (
    user_id bigint,
    heart_rate integer,
    timestamp bigint,
    meta.activity_id bigint,
    meta.location.latitude double precision,
    meta.location.longitude double precision
  ),
  event_time timestamp,
  event_time_unit seconds,
  on_error QUARANTINE
);
