//! Reads what OpenEmbedded's tools print
