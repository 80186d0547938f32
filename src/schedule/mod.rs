//! How each equation is computed: a value that can be refused.
