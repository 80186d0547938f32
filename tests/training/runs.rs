//! `brolga train` with several objectives: what a run writes, how it stops, and that an interruption changes no bit.

use crate::worked::checked;
use brolga::data::{self, Extent, FieldData, Split, Starts, Values};
use brolga::target::Target;
use brolga::train::epoch::{self, Course, TrainError};
use brolga::train::measure;
use brolga::train::progress::Progress;
use brolga::train::session::Session;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Two nets on the digits, trained against each other, with noise in the item, in a block and by dropout, batch statistics, both
/// kinds of moments, a metric that decides, and patience.
const NET: &str = r#"block shaken(x: [S...], much) -> y: [S...] {
  noise n: [S...] ~ normal(0, much)
  y = if training then x + n else x
}
net Maker(z: [6]) -> image: [1, 8, 8] {
  z -> dense(24) -> shaken(0.1) -> relu -> dense(64) -> sigmoid -> reshape(1, 8, 8)
}
net Judge(image: [1, 8, 8]) -> real: [] {
  image -> conv(4, 3x3, stride=2) -> batch_norm -> leaky_relu(0.2) -> flatten -> dropout(0.2) -> dense(1) -> sigmoid -> reshape()
}
data digits -> (image: [1, 8, 8], label: index(10)) {
  train = digits8x8()
  test  = digits8x8()
}
train Maker, Judge on digits {
  noise z: [6] ~ uniform(-1, 1)
  fake = Maker(z)
  minimise bce(Judge(image), 1) + bce(Judge(fake), 0) over Judge using adamw(lr=cosine(2e-3, warmup=20), clip=1)
  minimise bce(Judge(fake), 1) over Maker using sgd(lr=0.05, momentum=0.9)
  report   fooled = Judge(fake)
  report   spread = mean((fake - mean(fake, across=batch)) ^ 2)
  epochs   = 8
  batch    = 100
  keep     = best(fooled)
  patience = 2
  show     fake every 2 epochs
  show     image every 20 steps
}
"#;

struct Desk(tempfile::TempDir);

impl Desk {
    fn new(net: &str) -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        fs::write(desk.0.path().join("d.net"), net).unwrap();
        desk
    }

    /// Exit code, and what stood on both channels.
    fn run(&self, args: &str) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brolga"));
        let said = command.args(args.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null()).output();
        let said = said.unwrap();
        let text = [said.stdout, said.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (said.status.code().unwrap(), text)
    }

    fn fine(&self, args: &str) -> String {
        let (code, text) = self.run(args);
        assert_eq!(code, 0, "{text}");
        text
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("runs/d").join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

/// The numbers of an epoch in the log, without its seconds.
fn epochs(desk: &Desk) -> Vec<serde_json::Value> {
    let log = String::from_utf8(desk.bytes("log.jsonl")).unwrap();
    let mut lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("seconds")));
    lines
}

#[test]
fn a_run_of_two_objectives_writes_what_it_says() {
    let desk = Desk::new(NET);
    let text = desk.fine("train d.net --threads 1");
    let log = epochs(&desk);
    assert!(text.contains("   loss_1 ") && text.contains("   loss_2 ") && text.contains("   fooled "), "{text}");
    assert!(log.iter().all(|line| line["loss_1"].is_f64() && line["metrics"]["spread"].is_f64()), "{log:?}");
    let value = |line: &serde_json::Value| line["metrics"]["fooled"].as_f64().unwrap();
    let best = log.iter().map(value).fold(f64::MIN, f64::max);
    let place = log.iter().position(|line| value(line) == best).unwrap();
    assert_eq!(log.len(), (place + 3).min(8), "two epochs are waited for a better one: {text}");
    assert!(log.len() == 8 || text.contains("no better for 2 epochs: stopped early"), "{text}");

    // the best epoch's weights have the best epoch's metric, and `eval` takes them
    let told = desk.fine("eval d.net --format json");
    let json: serde_json::Value =
        serde_json::from_str(told.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert_eq!(json["metrics"]["fooled"].as_f64().unwrap(), best);
    assert!(json["metrics"]["loss_1"].as_f64().unwrap() > 0.0 && json["metrics"]["loss_2"].as_f64().unwrap() > 0.0);

    // sheets of 64: 8 rows and columns of 8x8, 2 between them
    let names: Vec<String> =
        fs::read_dir(desk.path("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.contains(&"fake_0002.png".to_string()) && !names.contains(&"fake_0001.png".to_string()), "{names:?}");
    let sheet = image::load_from_memory(&desk.bytes("image_0020.png")).unwrap().to_rgb8();
    assert_eq!((sheet.width(), sheet.height()), (78, 78));
    // a digit's black is black, its white white; between the pictures it is white
    assert_eq!(sheet.get_pixel(8, 30), &image::Rgb([255, 255, 255]));
    let ink = sheet.pixels().filter(|pixel| pixel.0 == [0, 0, 0]).count();
    assert!((1000..3900).contains(&ink), "of 4,096 pixels of digits {ink} are black");

    // the tensors: both nets, their statistics, and each optimiser's state by the number of its objective
    let file = desk.bytes("last.safetensors");
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    let count = |start: &str| file.names().iter().filter(|name| name.starts_with(start)).count();
    assert_eq!((count("Maker."), count("Judge.")), (4, 8));
    assert_eq!(
        (count("optimiser/0/m/Judge."), count("optimiser/0/v/Judge."), count("optimiser/1/v/Maker.")),
        (6, 6, 4)
    );
    assert_eq!(count("optimiser/"), 16);

    // gradients of one objective or the other
    fs::write(desk.0.path().join("x.json"), serde_json::to_string(&vec![vec![vec![vec![0.5; 8]; 8]; 1]; 2]).unwrap())
        .unwrap();
    fs::write(desk.0.path().join("l.json"), "[1, 2]").unwrap();
    let grad =
        |objective: &str| desk.fine(&format!("grad d.net --input image=x.json label=l.json --objective {objective}"));
    assert!(grad("1").contains("Judge.conv.weight") && !grad("1").contains("Maker."));
    assert!(grad("2").contains("Maker.dense_1.weight") && !grad("2").contains("Judge.conv.weight [4"));
    let (code, text) = desk.run("grad d.net --input image=x.json label=l.json --objective 3");
    assert!(code == 2 && text.contains("this file has 2 objectives: `--objective 1` to `--objective 2`"), "{text}");
}

#[test]
fn a_signal_and_resume_change_no_bit() {
    use std::io::{BufRead, BufReader};
    let net = NET
        .replace("epochs   = 8", "epochs   = 12")
        .replace("batch    = 100", "batch    = 20")
        .replace("patience = 2", "patience = 9");
    let (whole, parts) = (Desk::new(&net), Desk::new(&net));
    whole.fine("train d.net --threads 1");
    let mut child = Command::new(env!("CARGO_BIN_EXE_brolga"))
        .args(["train", "d.net", "--threads", "2"])
        .current_dir(parts.0.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.by_ref().take(3).for_each(|line| drop(line.unwrap()));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    parts.fine("train d.net --resume");
    for name in ["last.safetensors", "best.safetensors", "fake_0012.png"] {
        assert_eq!(parts.bytes(name), whole.bytes(name), "{name}");
    }
    assert_eq!(epochs(&parts), epochs(&whole));
    // what is complete stays so
    parts.fine("train d.net --resume");
    assert_eq!(parts.bytes("last.safetensors"), whole.bytes("last.safetensors"));
}

/// Everything that a training keeps, as bits, and what its epochs told.
type Kept = (Vec<(String, Vec<u32>)>, Progress, Vec<(f64, bool)>, Option<Vec<(String, Vec<u32>)>>);

/// Trains until the end or until `limit` steps are done in all.
fn train(session: &mut Session, course: &Course, split: &Split, kept: Kept, limit: u64) -> Kept {
    let (tensors, mut progress, mut told, mut best) = kept;
    for (path, bits) in &tensors {
        session.store.set(path, &bits.iter().map(|bits| f32::from_bits(*bits)).collect::<Vec<_>>());
    }
    let done = std::cell::Cell::new(0);
    let mut event = |session: &mut Session, progress: &mut Progress, whole: bool| {
        done.set(progress.step);
        if whole {
            let keep = course.keep.unwrap();
            let value = measure::metric(session, course, keep.metric, split)?;
            let better = progress.judge(value, keep.highest);
            told.push((value, better));
            if better {
                best = Some(all(session));
            }
        }
        Ok::<(), TrainError>(())
    };
    epoch::train(session, course, split, &mut progress, &|| done.get() >= limit, &mut event).unwrap();
    (all(session), progress, told, best)
}

fn all(session: &Session) -> Vec<(String, Vec<u32>)> {
    let bits = |path: &str| session.store.get(path).unwrap().iter().map(|value| value.to_bits()).collect();
    session.checked.params.iter().map(|(_, param)| (param.path.to_string(), bits(&param.path))).collect()
}

/// Stopped after any step and gone on from what was kept, a training of two objectives with noise, patience and a best
/// epoch ends with the same bits.
#[test]
fn an_interruption_after_any_step_changes_no_bit() {
    let checked = checked(&NET.replace("patience = 2", "patience = 3"));
    let mut course = Course::of(&checked, 0);
    course.batch = 20;
    let mut rng = data::random::keyed(1, "runs");
    let values = Values::Real((0..50 * 64).map(|_| data::random::unit_f32(&mut rng)).collect());
    let (shape, starts) = (Extent::all_fixed(&[1, 8, 8]), Starts::Every(64));
    let field = FieldData { name: "image".into(), shape, starts, values, classes: vec![] };
    let split = Split { fields: vec![field], count: 50, augment: vec![], open: vec![] };
    let mut session = Session::new(&checked, Target::detect(), 1, course.seed);
    let start = || (vec![], Progress::default(), vec![], None);
    let first = all(&session);
    let whole = train(&mut session, &course, &split, start(), u64::MAX);
    assert!(whole.1.step > 9 && whole.3.is_some() && whole.3.as_ref() != Some(&whole.0), "{:?}", whole.1);
    for limit in 1..whole.1.step {
        let begun = (first.clone(), Progress::default(), vec![], None);
        let part = train(&mut session, &course, &split, begun, limit);
        let texts = part.1.to_texts();
        let get = |key: &str| texts.iter().find(|(k, _)| *k == key).map_or(String::new(), |(_, text)| text.clone());
        let progress = Progress::from_texts(get).unwrap();
        let resumed = train(&mut session, &course, &split, (part.0, progress, part.2, part.3), u64::MAX);
        assert_eq!(resumed, whole, "stopped after {limit}");
    }
}
