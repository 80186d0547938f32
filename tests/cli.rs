//! The binary as a user types it: what it prints, writes and exits with.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A small net on the digits, with momentum, batch statistics and dropout, so that all kinds of state take part.
const NET: &str = r#"net Digits(image: [1, 8, 8]) -> digit: [10] {
  image -> conv(4, 3x3, pad=1) -> batch_norm -> relu -> max_pool(2x2)
  -> flatten -> dropout(0.1) -> dense(10) -> softmax
}

data digits -> (image: [1, 8, 8], label: index(10)) {
  train = digits8x8()
  test  = digits8x8()
}

train Digits on digits {
  minimise cross_entropy(Digits(image), label) using sgd(lr=0.05, momentum=0.9)
  report   accuracy(Digits(image), label)
  epochs = 3
  batch  = 100
  keep   = best(accuracy)
}
"#;

/// An empty folder with a file `d.net` in it.
struct Desk(tempfile::TempDir);

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn new(net: &str) -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        fs::write(desk.path("d.net"), net).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brolga"));
        command.args(args.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &str) -> Said {
        said(&mut self.command(args))
    }

    fn weights(&self) -> Vec<u8> {
        fs::read(self.path("runs/d/last.safetensors")).unwrap()
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Said {
    /// Standard output, after an exit code of 0.
    fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// Standard error, after an exit code of 1.
    fn wrong(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        self.err
    }
}

#[test]
fn a_wrong_command_is_2_and_help_is_0() {
    let desk = Desk::new(NET);
    assert_eq!(desk.run("trian d.net").code, Some(2));
    assert_eq!(desk.run("train").code, Some(2));
    assert_eq!(desk.run("train d.net --epochs 0").code, Some(2));
    assert!(desk.run("train --help").fine().contains("--resume"));
}

#[test]
fn train_eval_and_resume_on_digits() {
    let desk = Desk::new(NET);
    let out = desk.run("train d.net --threads 1").fine();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "Digits: 698 parameters, 1,438 examples, 15 steps an epoch, 1 thread");
    assert!(lines[1].starts_with("epoch 1/3   loss ") && lines[1].contains("   accuracy 0."), "{out}");
    assert!(lines[3].contains(" on test   "), "{out}");
    assert!(lines[4].starts_with("best: epoch ") && lines[4].ends_with("in runs/d/best.safetensors"), "{out}");
    assert_eq!(lines[5], "saved runs/d/last.safetensors");
    assert!(!out.contains('\u{1b}'), "piped output is plain");
    let whole = desk.weights();

    // the same bits with two threads, and after an interruption between epochs
    let other = Desk::new(NET);
    other.run("train d.net --threads 2 --epochs 1").fine();
    let resumed = other.run("train d.net --threads 2 --resume").fine();
    assert_eq!(other.weights(), whole, "{resumed}");
    assert_eq!(fs::read_to_string(other.path("runs/d/log.jsonl")).unwrap().lines().count(), 3);

    let eval = desk.run("eval d.net --weights runs/d/last.safetensors").fine();
    assert!(eval.starts_with("test: 359 examples\n  accuracy  0.") && eval.contains("predicted across"), "{eval}");
    let json: serde_json::Value = serde_json::from_str(&desk.run("eval d.net --format json").fine()).unwrap();
    let counts = json["confusion"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    assert_eq!(counts.map(|n| n.as_u64().unwrap()).sum::<u64>(), 359);
    assert!(json["metrics"]["accuracy"].as_f64().unwrap() > 0.5, "{json}");
}

#[test]
fn a_signal_saves_and_ends_with_130() {
    let net = NET.replace("epochs = 3", "epochs = 12").replace("batch  = 100", "batch  = 16");
    let (desk, whole) = (Desk::new(&net), Desk::new(&net));
    whole.run("train d.net").fine();
    let mut child = desk.command("train d.net").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.by_ref().take(3).for_each(|line| drop(line.unwrap()));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("`brolga train d.net --resume` goes on"), "{err}");
    desk.run("train d.net --resume").fine();
    assert_eq!(desk.weights(), whole.weights());
}

#[test]
fn a_full_disk_is_one_message_and_the_old_checkpoint_stays() {
    let desk = Desk::new(NET);
    desk.run("train d.net --epochs 1").fine();
    let old = desk.weights();
    // no file may grow above 1 KiB (2 blocks of 512 bytes, or 1,024): the checkpoint is larger
    let script = format!("trap '' XFSZ; ulimit -f 2; exec {} train d.net --resume", env!("CARGO_BIN_EXE_brolga"));
    let err = said(Command::new("sh").args(["-c", &script]).current_dir(desk.0.path())).wrong();
    assert!(err.contains("error[E0707]: runs/d/best.safetensors: the checkpoint could not be written"), "{err}");
    assert_eq!(desk.weights(), old);
    let names: Vec<String> = files(&desk.path("runs/d"));
    assert_eq!(names, ["best.safetensors", "last.safetensors", "log.jsonl"]);
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused() {
    let desk = Desk::new(NET);
    desk.run("train d.net --epochs 1").fine();
    fs::write(desk.path("d.net"), NET.replace("conv(4", "conv(5")).unwrap();
    let err = desk.run("eval d.net").wrong();
    assert!(err.contains("error[E0704]"), "{err}");
    assert!(err.contains("`Digits.conv.weight` is [4, 1, 3, 3] in the file, [5, 1, 3, 3] in the net"), "{err}");
    let mut bytes = desk.weights();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(desk.path("broken"), bytes).unwrap();
    fs::write(desk.path("d.net"), NET).unwrap();
    let err = desk.run("eval d.net --weights broken").wrong();
    assert!(err.contains("error[E0705]: broken: the checkpoint is damaged: expected the SHA-256 "), "{err}");
    let err = desk.run("train d.net --resume --seed 7").wrong();
    assert!(err.contains("was trained with seed 1, not 7"), "{err}");
}

#[test]
fn absent_and_damaged_data_end_a_training_with_their_place() {
    let idx = NET.replace("digits8x8()", "idx(\"images.gz\", \"labels.gz\")");
    let desk = Desk::new(&idx);
    let err = desk.run("train d.net").wrong();
    assert!(err.contains("error[E0701]: images.gz: "), "{err}");
    fs::write(desk.path("images.gz"), "no images").unwrap();
    fs::write(desk.path("labels.gz"), "no labels").unwrap();
    let err = desk.run("train d.net").wrong();
    assert!(err.contains("E0702") && err.contains("images.gz, byte 4: expected the magic number"), "{err}");
}

#[test]
fn pictures_are_drawn_and_told_apart() {
    let net = r#"net Kinds(image: [3, 32, 32]) -> kind: [10] {
  image -> conv(8, 5x5, stride=2) -> relu -> max_pool(2x2) -> flatten -> dense(10) -> softmax
}
data drawn -> (image: [3, 32, 32], label: index(10)) {
  train = folder("drawn/train", resize=true)
  test  = folder("drawn/test", resize=true)
}
train Kinds on drawn {
  minimise cross_entropy(Kinds(image), label) using adam(lr=3e-3)
  report   accuracy(Kinds(image), label)
  epochs = 2
}
"#;
    let desk = Desk::new(net);
    desk.run("new --pictures drawn --count 5").fine();
    assert_eq!((files(&desk.path("drawn/train")).len(), files(&desk.path("drawn/train/moon")).len()), (10, 5));
    desk.run("train d.net").fine();
    let out = desk.run("predict d.net drawn/test/moon/0000.png drawn/train/disc/0004.png --top 2").fine();
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("drawn/test/moon/0000.png: ") && lines[0].ends_with(" %"),
        "{out}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&desk.run("predict d.net drawn/test/moon/0000.png --top 10 --format json").fine())
            .unwrap();
    let classes = json["images"][0]["classes"].as_array().unwrap();
    let sum: f64 = classes.iter().map(|class| class["probability"].as_f64().unwrap()).sum();
    assert!(classes.len() == 10 && (sum - 1.0).abs() < 1e-5, "{json}");
    assert!(classes.iter().any(|class| class["class"] == "moon"));

    // The checkpoint knows the names, with the data away and against other data.
    fs::copy(desk.path("drawn/test/moon/0000.png"), desk.path("p.png")).unwrap();
    fs::rename(desk.path("drawn"), desk.path("away")).unwrap();
    let alone = desk.run("predict d.net p.png --top 10").fine();
    assert_eq!(alone.trim_start_matches("p.png"), out_of(&desk, "away").trim_start_matches("away/test/moon/0000.png"));
    fs::rename(desk.path("away"), desk.path("drawn")).unwrap();
    for split in ["train", "test"] {
        fs::rename(desk.path(&format!("drawn/{split}/moon")), desk.path(&format!("drawn/{split}/mood"))).unwrap();
    }
    let told = desk.run("eval d.net").wrong();
    assert!(
        told.contains("error[E0704]") && told.contains(r#"of `label` is "moon" in it, "mood" in the data"#),
        "{told}"
    );
    assert!(desk.run("train d.net --resume --epochs 3").wrong().contains("error[E0704]"));
}

/// What `predict` says of a picture in a folder.
fn out_of(desk: &Desk, folder: &str) -> String {
    desk.run(&format!("predict d.net {folder}/test/moon/0000.png --top 10")).fine()
}

/// A net of characters whose state goes from step to step, and one that looks at all earlier steps.
const TEXTS: &str = r#"net Steps(text: [T] of index(5)) -> next: [T, 5] {
  text -> embed(8) -> lstm(8) -> dense(5) -> softmax
}
net Looks(text: [T] of index(5)) -> next: [T, 5] {
  text -> embed(8) -> attention(2, causal=true) -> dense(5) -> softmax
}
data song -> (text: [T] of index(5), next: [T] of index(5)) { train = characters("song.txt", window=8) }
train Steps on song {
  p = Steps(text)
  minimise mean(t: cross_entropy(p[t], next[t])) using adam(lr=0.02)
  epochs = 30
}
"#;

#[test]
fn a_text_is_drawn_a_character_at_a_time() {
    let desk = Desk::new(TEXTS);
    fs::write(desk.path("song.txt"), "do re do re ".repeat(30)).unwrap();
    desk.run("train d.net").fine();
    // The checkpoint knows the characters.
    fs::rename(desk.path("song.txt"), desk.path("gone.txt")).unwrap();
    let sung = desk.run("sample d.net --net Steps --prompt do --length 22 --temperature 0").fine();
    assert_eq!(sung, "do re do re do re do re \n", "it has learned the song");
    let drawn = desk.run("sample d.net --net Steps --prompt do --length 40 --temperature 2 --seed 5").fine();
    assert_eq!(drawn, desk.run("sample d.net --net Steps --prompt do --length 40 --temperature 2 --seed 5").fine());
    assert_ne!(drawn, desk.run("sample d.net --net Steps --prompt do --length 40 --temperature 2 --seed 6").fine());
    assert_eq!(drawn.chars().count(), 43);
    let wrong = desk.run("sample d.net --net Steps --prompt dx").wrong();
    assert!(wrong.contains("the net knows no 'x'; its 5 are  deor"), "{wrong}");
    fs::rename(desk.path("gone.txt"), desk.path("song.txt")).unwrap();
    let json = desk.run("sample d.net --net Looks --prompt do --length 40 --format json").fine();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["text"].as_str().unwrap().len(), 40);
}

#[test]
fn a_stream_is_answered_line_by_line() {
    let desk = Desk::new(
        "net Sum(x: [T, 2]) -> y: [T, 2] { y[t] = y[t-1] + x[t] }\nnet Back(x: [T]) -> y: [T] { y[t] = y[t+1] + x[t] }\n",
    );
    let stream = |net: &str, lines: &str| {
        let mut child = desk.command(&format!("run d.net --stream --net {net}"));
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    };
    assert_eq!(stream("Sum", "1,2\n\n[0.5, -4]\n{\"x\": [1, 1]}\n").fine(), "1,2\n[1.5,-2.0]\n[2.5,-1.0]\n");
    assert!(stream("Sum", "1,2\n1,2,3\n").wrong().contains("line 2: expected 2 numbers for `x`, found 3"));
    assert!(stream("Sum", "one\n").wrong().contains("line 1: expected JSON or numbers with commas, found `one`"));
    let back = stream("Back", "").wrong();
    assert!(back.contains("Back cannot go step by step: it reads a later step of `y`, in line 2"), "{back}");
}
