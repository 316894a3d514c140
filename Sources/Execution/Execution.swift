// Physical plans run: operators, pipelines of batches over morsels, worker threads, memory budget and spilling.
//
// `Executor.run` is the door. It turns each `PhysicalNode` into an `Operator`; breakers (aggregate, sort, join build,
// window) take their input in `prepare`, everything between two breakers is one pipeline that all workers push batches
// through, morsel by morsel. What it is not: it parses and plans nothing, and knows no catalog; tables come through
// `TableSource`. Read on in Executor.swift, Operator.swift, Pipeline.swift, then Operators/.
