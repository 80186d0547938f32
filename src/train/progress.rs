//! How far a training has come: with the seed, all that going on needs besides the tensors.

/// Counts since the beginning of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Epochs that are complete.
    pub epoch: u64,
    /// Batches of the running epoch that are done.
    pub batches: u64,
    /// Steps in all.
    pub step: u64,
    /// The sum of the losses of the running epoch's examples.
    pub loss: f64,
    /// How many examples that were.
    pub examples: u64,
    /// The best value so far of the metric that `keep` names.
    pub best: Option<f64>,
}

impl Progress {
    /// The mean loss of the running epoch so far.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.examples.max(1) as f64
    }

    /// The same at the beginning of the next epoch.
    pub fn rested(&self) -> Progress {
        Progress { batches: 0, loss: 0.0, examples: 0, ..*self }
    }

    /// As the metadata of a checkpoint; f64 exactly, by their bits.
    pub fn to_texts(&self) -> Vec<(&'static str, String)> {
        let mut texts = vec![
            ("epoch", self.epoch.to_string()),
            ("batches", self.batches.to_string()),
            ("step", self.step.to_string()),
            ("loss", bits(self.loss)),
            ("examples", self.examples.to_string()),
        ];
        texts.extend(self.best.map(|best| ("best", bits(best))));
        texts
    }

    /// Back from the metadata. Errors: the key whose value is none.
    pub fn from_texts(get: impl Fn(&str) -> String) -> Result<Progress, &'static str> {
        let whole = |key: &'static str| get(key).parse::<u64>().map_err(|_| key);
        let real = |key: &'static str| u64::from_str_radix(&get(key), 16).map(f64::from_bits).map_err(|_| key);
        let best = if get("best").is_empty() { None } else { Some(real("best")?) };
        let (epoch, batches, step) = (whole("epoch")?, whole("batches")?, whole("step")?);
        Ok(Progress { epoch, batches, step, loss: real("loss")?, examples: whole("examples")?, best })
    }
}

fn bits(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}
