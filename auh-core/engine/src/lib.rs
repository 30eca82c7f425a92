//! Plans a run and carries it out
