//! Messages made of facts that stand here, without the checker: what explaining and rendering do with them.

use brolga::diagnostic::{Format, full, render};
use brolga::ids::Symbol;
use brolga::problem::{Given, InUse, Operand, Problems, RemarkWrong, UnequalShapes, WindowTooLarge};
use brolga::size::{Formula, SizeId, Sizes, why};
use brolga::source::{SourceId, Sources, Span};

/// A file, the library, and the sizes of one run.
struct Run {
    sources: Sources,
    file: SourceId,
    inside: Span,
    sizes: Sizes,
}

impl Run {
    fn new(path: &str, text: &str) -> Run {
        let mut sources = Sources::default();
        let library = sources.add_library("library/layers.net", "block conv(x) { }");
        let inside = Span { source: library, start: 0, end: 5 };
        let file = sources.add(path, text);
        Run { sources, file, inside, sizes: Sizes::default() }
    }

    /// The nth place of a text in the file, from 0.
    fn find(&self, text: &str, nth: usize) -> Span {
        let (start, _) = self.sources.get(self.file).text.match_indices(text).nth(nth).unwrap();
        Span { source: self.file, start: start as u32, end: (start + text.len()) as u32 }
    }

    /// A window that slides, as the library's text computes it, inside of a call.
    fn window(&mut self, call: Span, input: SizeId, k: SizeId, pad: i64, stride: i64) -> SizeId {
        let input = self.sizes.bound(&Symbol::from("H"), input, call);
        let k = self.sizes.bound(&Symbol::from("k.h"), k, call);
        let written = [pad, stride].map(|n| self.sizes.written(n, call));
        let pad = self.sizes.bound(&Symbol::from("pad"), written[0], call);
        let stride = self.sizes.bound(&Symbol::from("stride"), written[1], call);
        let result = self.sizes.derive(slide(), &[input, k, pad, stride], self.inside);
        let out = result.unwrap_or_else(|fault| fault.size);
        self.sizes.same(out, call)
    }

    fn told(&self, problems: &Problems) -> String {
        let found = problems.diagnostics(&self.sources, &self.sizes);
        found.iter().map(|d| full::render(&self.sources, d, false)).collect()
    }
}

/// `(H - k + 2 * pad) // stride + 1`
fn slide() -> Formula {
    let from = |i| Box::new(Formula::From(i));
    let gap = Box::new(Formula::Sub(from(0), from(1)));
    let padded = Box::new(Formula::Add(gap, Box::new(Formula::Mul(Box::new(Formula::Number(2)), from(2)))));
    Formula::Add(Box::new(Formula::Floor(padded, from(3))), Box::new(Formula::Number(1)))
}

const DEEP: &str = "net Deep(image: [1, 28, 28]) -> y: [10] {
  image
  -> conv(16, 3x3) -> max_pool(2x2)
  -> conv(32, 3x3) -> max_pool(2x2)
  -> conv(64, 3x3) -> max_pool(2x2)
  -> conv(128, 3x3)
}
";

#[test]
fn a_window_shows_the_chain_that_led_to_it() {
    let mut run = Run::new("deep.net", DEEP);
    let mut axes = [0, 1].map(|nth| {
        let at = run.find("28", nth);
        run.sizes.written(28, at)
    });
    for nth in 0..3 {
        let conv = run.find(["conv(16, 3x3)", "conv(32, 3x3)", "conv(64, 3x3)"][nth], 0);
        let pool = run.find("max_pool(2x2)", nth);
        for axis in &mut axes {
            let k = run.sizes.written(3, conv);
            *axis = run.window(conv, *axis, k, 0, 1);
            let k = run.sizes.written(2, pool);
            *axis = run.window(pool, *axis, k, 0, 2);
        }
    }
    let at = run.find("conv(128, 3x3)", 0);
    let k = run.sizes.written(3, at);
    let output = run.window(at, axes[0], k, 0, 1);
    let output = run.sizes.all[output].reason.from[0];
    let mut problems = Problems::default();
    problems.push(WindowTooLarge { at, text: None, window: vec![k, k], input: axes.to_vec(), output: Some(output) });
    insta::assert_snapshot!(run.told(&problems) + "\n" + &why(&run.sizes, &run.sources, output));
    let found = problems.diagnostics(&run.sources, &run.sizes);
    let other = [Format::Short, Format::Json].map(|format| render(&run.sources, &found, format));
    insta::assert_snapshot!("the_same_for_programs", other.concat());
}

const RESNET: &str = "block Residual(x: [C, H, W], out, stride = 1) -> [out, _, _] {
  main = x -> conv(out, 3x3, stride=stride, pad=1) -> relu -> conv(out, 3x3, pad=1)

  main + x -> relu
}
net Resnet(image: [64, 56, 56]) -> y: [128, 28, 28] {
  image
  -> Residual(64)
  -> Residual(128, stride=2)
}
";

#[test]
fn a_block_shows_definition_and_use() {
    let mut run = Run::new("resnet.net", RESNET);
    let mut problems = Problems::default();
    let block = run.find(&RESNET[..RESNET.find("net Resnet").unwrap()], 0);
    let definition = run.find("block Residual(x: [C, H, W], out, stride = 1) -> [out, _, _]", 0);
    let used = |call, bound: &[(&str, SizeId)]| InUse {
        block: Symbol::from("Residual"),
        definition: Some(definition),
        inside: Some(block),
        call,
        bound: bound.iter().map(|(name, id)| (Symbol::from(*name), Given::Size(*id))).collect(),
    };
    let fine = run.find("Residual(64)", 0);
    problems.enter(used(fine, &[]));
    problems.leave();

    let call = run.find("Residual(128, stride=2)", 0);
    let written = [(64, "64", 0), (56, "56", 0), (56, "56", 1), (128, "128", 1), (2, "2", 9)];
    let bound: Vec<SizeId> = ["C", "H", "W", "out", "stride"]
        .iter()
        .zip(written)
        .map(|(name, (n, text, nth))| {
            let at = if text == "2" { call } else { run.find(text, nth) };
            let size = run.sizes.written(n, at);
            run.sizes.bound(&Symbol::from(*name), size, call)
        })
        .collect();
    let conv = run.find("conv(out, 3x3, stride=stride, pad=1)", 0);
    let last = run.find("conv(out, 3x3, pad=1)", 0);
    let out = run.sizes.same(bound[3], last);
    let mut axis = |input: SizeId| {
        let k = run.sizes.written(3, conv);
        let half = run.window(conv, input, k, 1, 2);
        let k = run.sizes.written(3, last);
        run.window(last, half, k, 1, 1)
    };
    let main = vec![out, axis(bound[1]), axis(bound[2])];
    problems.enter(used(call, &["C", "H", "W", "out", "stride"].into_iter().zip(bound.clone()).collect::<Vec<_>>()));
    problems.push(UnequalShapes {
        what: "'+'".to_string(),
        lhs: Operand { at: run.find("main", 1), shape: main },
        rhs: Operand { at: run.find("x -> relu", 0).first(1), shape: bound[..3].to_vec() },
    });
    problems.leave();
    insta::assert_snapshot!(run.told(&problems));
}

trait First {
    fn first(self, n: u32) -> Span;
}

impl First for Span {
    fn first(self, n: u32) -> Span {
        Span { end: self.start + n, ..self }
    }
}

#[test]
fn a_remark_shows_the_formula_and_where_its_numbers_come_from() {
    let text = "net Recitation(image: [3, 128, 128]) -> y: [12, 48, 48] {
  image
  -> max_pool(2x2)             : [3, 64, 64]
  -> conv(12, 17x17)           : [12, 49, 49]
}
";
    let mut run = Run::new("recitation.net", text);
    let stage = run.find("conv(12, 17x17)", 0);
    let twelve = run.sizes.written(12, stage);
    let axes = [0, 1].map(|nth| {
        let at = run.find("64", nth);
        let remarked = run.sizes.remark(brolga::size::Poly::number(64), None, at);
        let k = run.sizes.written(17, stage);
        run.window(stage, remarked, k, 0, 1)
    });
    let at = run.find("[12, 49, 49]", 0);
    let written = [12, 49, 49].map(|n| Some(run.sizes.written(n, at))).to_vec();
    let mut problems = Problems::default();
    problems.push(RemarkWrong { at, stage, written, actual: vec![twelve, axes[0], axes[1]] });
    insta::assert_snapshot!(run.told(&problems));
}
