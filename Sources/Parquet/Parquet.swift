// Parquet files in and out: the door to Spark, DuckDB, BigQuery and whatever else reads them.
//
// `ParquetWriter` writes batches as row groups of plain or dictionary-encoded pages, compressed by zstd or not at all,
// with statistics; `ParquetReader` reads what others write: every encoding of the format's second version, compressed by
// zstd, Snappy or not at all. Columns are flat: nested and repeated ones are refused by name. The format is not ours:
// what we store ourselves lies in segments (`Sources/Segments`).
//
// Source: the Apache Parquet format, version 2.11 (parquet.thrift, Encodings.md, LogicalTypes.md); the compact protocol
// of Apache Thrift; the Snappy format description.
