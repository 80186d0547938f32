//! The error index: each problem's facts, words, page and candidate fixes stand together.
