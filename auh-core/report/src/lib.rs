//! What a finished run has to say, derived from its journal
