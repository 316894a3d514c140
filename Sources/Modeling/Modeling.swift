// Modeling turns a folder of SQL files into tables: models (a SELECT under a `MODEL (...)` header), audits (queries that
// must return no rows), and runs (all models in order of dependency, audited, published in one commit or not at all).
//
// The format is SQLMesh's, in PostgreSQL's dialect. What needs Python or Jinja is refused by name. Read on in
// `Project` (what is in the folder), `ModelGraph` (what comes before what), `AuditPlan` (few scans for many audits) and
// `ModelRun`. It knows a warehouse only as a `ModelSession`, which speaks SQL.
