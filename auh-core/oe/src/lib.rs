//! OpenEmbedded's tools and build directories
