//! Settings: TOML and legacy INI to validated values
