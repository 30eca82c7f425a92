//! Task graphs and orders over them
