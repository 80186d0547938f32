//! What a data set's files say of themselves, read without reading the examples: for the checker.

/// Of one split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// In the order of the fields of `data`.
    pub fields: Vec<FieldFacts>,
    /// The number of examples.
    pub examples: Option<usize>,
}

/// Of one field; what is `None` only reading the whole would tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldFacts {
    /// Of one example; compared without axes of size 1.
    pub shape: Option<Vec<usize>>,
    pub classes: Option<usize>,
    /// Names of the classes, or empty.
    pub names: Vec<String>,
}
