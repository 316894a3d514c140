// The roof.
