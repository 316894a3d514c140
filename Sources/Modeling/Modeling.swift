// Modeling
