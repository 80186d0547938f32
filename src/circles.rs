//! What leads to itself: strongly connected components, for definitions in a text and for equations alike.

/// Strongly connected components of the nodes `0..count`, each after those that it leads to, with ascending nodes.
/// Tarjan's way, without recursion: a net may be as deep as it likes.
pub fn strong(count: usize, next: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let mut search = Search {
        number: vec![None; count],
        low: vec![0; count],
        open: Vec::new(),
        is_open: vec![false; count],
        seen: 0,
    };
    let mut found = Vec::new();
    for root in 0..count {
        if search.number[root].is_none() {
            search.visit(root, &next, &mut found);
        }
    }
    found
}

struct Search {
    /// In the order of the first visits.
    number: Vec<Option<usize>>,
    /// The least number that is reached over open nodes.
    low: Vec<usize>,
    /// Nodes whose component is not complete.
    open: Vec<usize>,
    is_open: Vec<bool>,
    seen: usize,
}

impl Search {
    fn visit(&mut self, root: usize, next: &impl Fn(usize) -> Vec<usize>, found: &mut Vec<Vec<usize>>) {
        let mut stack = vec![self.enter(root, next)];
        while let Some((node, targets)) = stack.last_mut() {
            let node = *node;
            match targets.next() {
                Some(to) => match self.number[to] {
                    None => stack.push(self.enter(to, next)),
                    Some(number) if self.is_open[to] => self.low[node] = self.low[node].min(number),
                    Some(_) => {}
                },
                None => {
                    stack.pop();
                    if let Some(&(above, _)) = stack.last() {
                        self.low[above] = self.low[above].min(self.low[node]);
                    }
                    self.close(node, found);
                }
            }
        }
    }

    fn enter(&mut self, node: usize, next: &impl Fn(usize) -> Vec<usize>) -> (usize, std::vec::IntoIter<usize>) {
        self.number[node] = Some(self.seen);
        self.low[node] = self.seen;
        self.seen += 1;
        self.open.push(node);
        self.is_open[node] = true;
        (node, next(node).into_iter())
    }

    /// Takes the component of which the node was reached first, if it is that.
    fn close(&mut self, node: usize, found: &mut Vec<Vec<usize>>) {
        if Some(self.low[node]) != self.number[node] {
            return;
        }
        let from = self.open.iter().rposition(|&open| open == node).expect("an open node is on the stack");
        let mut component = self.open.split_off(from);
        component.iter().for_each(|&member| self.is_open[member] = false);
        component.sort_unstable();
        found.push(component);
    }
}
