//! Data sets: a table of formats, a file each.
