//! What an evaluation adds up: means, the confusion matrix, the classes that fare worst.

/// How often each class was taken for each: rows are true classes, columns predicted ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Row-major, `classes * classes`.
    counts: Vec<u64>,
}

/// One class of a confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    pub class: usize,
    /// Examples of this class.
    pub examples: u64,
    /// Those that were recognised.
    pub right: u64,
    /// The class that it was most often taken for instead, and how often.
    pub taken_for: Option<(usize, u64)>,
}

impl Confusion {
    /// An empty matrix.
    pub fn new(classes: usize) -> Confusion {
        Confusion { classes, counts: vec![0; classes * classes] }
    }

    /// Counts one example.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[truth * self.classes + predicted] += 1;
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// One true class's row.
    pub fn row(&self, truth: usize) -> &[u64] {
        &self.counts[truth * self.classes..(truth + 1) * self.classes]
    }

    /// Every class by the share that was recognised, the worst first; classes without examples are left out.
    pub fn worst(&self) -> Vec<ClassScore> {
        let scores = (0..self.classes).map(|class| self.score(class));
        let mut scores: Vec<ClassScore> = scores.filter(|score| score.examples > 0).collect();
        // right / examples compared without a division: a/b < c/d as a*d < c*b
        scores.sort_by_key(|score| score.class);
        scores.sort_by(|a, b| {
            (u128::from(a.right) * u128::from(b.examples)).cmp(&(u128::from(b.right) * u128::from(a.examples)))
        });
        scores
    }

    fn score(&self, class: usize) -> ClassScore {
        let row = self.row(class);
        let others = row.iter().enumerate().filter(|(other, count)| *other != class && **count > 0);
        // ties go to the lower class
        let taken_for = others.max_by_key(|(other, count)| (**count, std::cmp::Reverse(*other)));
        let taken_for = taken_for.map(|(other, count)| (other, *count));
        ClassScore { class, examples: row.iter().sum(), right: row[class], taken_for }
    }
}

/// The first largest of some numbers; NaN never wins.
pub fn argmax(values: &[f32]) -> usize {
    let better =
        |best: usize, place: usize| if values[place] > values[best] || values[best].is_nan() { place } else { best };
    (1..values.len()).fold(0, better)
}
