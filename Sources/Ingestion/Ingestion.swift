// Data arrives: JSONL lakes, topics of Kafka and CSV files become bronze tables, each record exactly once.
//
// `Source` says where bronze comes from, `JSON/` turns records into vectors, `Lake/` reads folders of them incrementally,
// `Kafka/` reads topics, `CSV/` reloads whole files. What does not fit goes to a quarantine table with its bytes, place
// and reason, and the books balance: records read = bronze + quarantined. What it is not: it commits nothing itself; rows
// and the new position of every file or partition go to Engine in one commit. Start at `Source.swift`, then
// `JSON/JSONBatchBuilder.swift`.
