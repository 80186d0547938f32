//! How far a training has come: with the seed, all that going on needs besides the tensors.

/// Counts since the beginning of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Epochs that are complete.
    pub epoch: u64,
    /// Batches of the running epoch that are done.
    pub batches: u64,
    /// Steps in all.
    pub step: u64,
    /// By objective, the sum of the losses of the running epoch's examples.
    pub losses: Vec<f64>,
    /// How many examples that were.
    pub examples: u64,
    /// The best value so far of the metric that `keep` names.
    pub best: Option<f64>,
    /// Epochs since then.
    pub waited: u64,
}

impl Progress {
    /// By objective, the mean loss of the running epoch so far.
    pub fn mean_losses(&self) -> Vec<f64> {
        self.losses.iter().map(|loss| loss / self.examples.max(1) as f64).collect()
    }

    /// Takes the kept metric's value at the end of an epoch; true if it beats the best so far. NaN never does.
    pub fn judge(&mut self, value: f64, highest: bool) -> bool {
        let beats = |best: f64| if highest { value > best } else { value < best };
        let better = !value.is_nan() && self.best.is_none_or(beats);
        self.best = if better { Some(value) } else { self.best };
        self.waited = if better { 0 } else { self.waited + 1 };
        better
    }

    /// The same at the beginning of the next epoch.
    pub fn rested(&self) -> Progress {
        Progress { batches: 0, losses: vec![], examples: 0, ..self.clone() }
    }

    /// As the metadata of a checkpoint; f64 exactly, by their bits.
    pub fn to_texts(&self) -> Vec<(&'static str, String)> {
        let losses: Vec<String> = self.losses.iter().map(|loss| bits(*loss)).collect();
        let mut texts = vec![
            ("epoch", self.epoch.to_string()),
            ("batches", self.batches.to_string()),
            ("step", self.step.to_string()),
            ("losses", losses.join(" ")),
            ("examples", self.examples.to_string()),
            ("waited", self.waited.to_string()),
        ];
        texts.extend(self.best.map(|best| ("best", bits(best))));
        texts
    }

    /// Back from the metadata. Errors: the key whose value is none.
    pub fn from_texts(get: impl Fn(&str) -> String) -> Result<Progress, &'static str> {
        let whole = |key: &'static str| get(key).parse::<u64>().map_err(|_| key);
        let real = |key: &'static str, text: &str| u64::from_str_radix(text, 16).map(f64::from_bits).map_err(|_| key);
        let losses = get("losses");
        let losses = losses.split_whitespace().map(|text| real("losses", text)).collect::<Result<_, _>>()?;
        let best = if get("best").is_empty() { None } else { Some(real("best", &get("best"))?) };
        Ok(Progress {
            epoch: whole("epoch")?,
            batches: whole("batches")?,
            step: whole("step")?,
            losses,
            examples: whole("examples")?,
            best,
            waited: whole("waited")?,
        })
    }
}

fn bits(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}
