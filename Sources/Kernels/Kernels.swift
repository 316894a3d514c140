// Loops over whole vectors: gathering, hashing, comparing, arithmetic, casts, text, dates and times.
//
// A door takes vectors of any form (flat, constant, dictionary), switches once on the physical type, and runs a loop
// that the compiler specialises here; no generic crosses the module's border. What it is not: it knows no expression,
// no plan and no table. Start at `Rows/Gather.swift`, then `Numbers/Arithmetic.swift`, then `Casting/Cast.swift`.
