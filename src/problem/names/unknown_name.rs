//! A name that nothing in scope has.

use crate::diagnostic::{Edit, Help};
use crate::ids::Symbol;
use crate::problem::{Problem, Report, words};
use crate::size::Explainer;
use crate::source::Span;

/// A name that is used and not defined.
#[derive(Clone, Debug)]
pub struct UnknownName {
    pub at: Span,
    pub name: Symbol,
    /// What was looked for: `name`, `layer`, `optimiser`, `net`, `member of LeNet`.
    pub what: String,
    /// All names that could stand there.
    pub scope: Vec<Symbol>,
}

impl Problem for UnknownName {
    fn report(&self, r: &mut Report) {
        r.headline(format!("there is no {} `{}`", self.what, self.name));
        let foreign = self.foreign();
        r.label(self.at, if foreign.is_some() { "another framework's name" } else { "not defined" });
        if let Some(advice) = self.advice() {
            r.help(advice);
        }
        let mut names: Vec<&Symbol> = self.scope.iter().collect();
        names.sort();
        names.dedup();
        if names.len() <= 8 && !names.is_empty() && self.advice().is_none() {
            r.note(format!("in sight: {}", names.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(", ")));
        }
    }

    fn candidates(&self, _look: &Explainer) -> Vec<Help> {
        let meant = self.foreign().or_else(|| self.meant());
        let edit = |meant: &str| vec![Edit { at: self.at, text: meant.to_string() }];
        let help = meant.zip(self.advice()).map(|(meant, text)| Help { text, edits: edit(meant) });
        help.into_iter().collect()
    }
}

impl UnknownName {
    fn advice(&self) -> Option<String> {
        match (self.foreign(), self.meant()) {
            (Some(ours), _) => Some(format!("it is called `{ours}` here: `brolga doc {ours}` tells more")),
            (None, Some(near)) => Some(format!("did you mean `{near}`?")),
            (None, None) => None,
        }
    }

    fn meant(&self) -> Option<&str> {
        words::nearest(&self.name, self.scope.iter().map(|name| &**name))
    }

    /// Our name for what another framework calls so, if we have it in scope.
    fn foreign(&self) -> Option<&str> {
        let (_, ours) = FOREIGN.iter().find(|(theirs, _)| *theirs == &*self.name)?;
        self.scope.iter().map(|name| &**name).find(|name| name == ours)
    }
}

/// What other frameworks call the layers of the library. Only names that differ in more than letter case and signs.
const FOREIGN: &[(&str, &str)] = &[
    ("AdaptiveAvgPool2d", "global_avg_pool"),
    ("AveragePooling2D", "avg_pool"),
    ("AvgPool2d", "avg_pool"),
    ("BCELoss", "bce"),
    ("BatchNorm1d", "batch_norm"),
    ("BatchNorm2d", "batch_norm"),
    ("BatchNormalization", "batch_norm"),
    ("BinaryCrossentropy", "bce"),
    ("Concatenate", "concat"),
    ("Conv1d", "conv1d"),
    ("Conv2D", "conv"),
    ("Conv2DTranspose", "conv_transpose"),
    ("Conv2d", "conv"),
    ("ConvTranspose2d", "conv_transpose"),
    ("CrossEntropyLoss", "cross_entropy"),
    ("Dense", "dense"),
    ("Embedding", "embed"),
    ("GlobalAveragePooling2D", "global_avg_pool"),
    ("HuberLoss", "huber"),
    ("L1Loss", "mae"),
    ("LSTM", "lstm"),
    ("LeakyReLU", "leaky_relu"),
    ("Linear", "dense"),
    ("MSELoss", "mse"),
    ("MaxPool2d", "max_pool"),
    ("MaxPooling2D", "max_pool"),
    ("ReLU", "relu"),
    ("SparseCategoricalCrossentropy", "cross_entropy"),
    ("Swish", "silu"),
    ("UpSampling2D", "upsample"),
    ("Upsample", "upsample"),
    ("cat", "concat"),
    ("conv2d", "conv"),
    ("fc", "dense"),
    ("linear", "dense"),
    ("nll_loss", "cross_entropy"),
    ("swish", "silu"),
    ("view", "reshape"),
];
