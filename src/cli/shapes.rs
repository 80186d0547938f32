//! `brolga shapes FILE`: a row for each layer, and totals by kind of layer.

use super::common::{Common, Outcome};
use super::output;
use crate::check::net::Net;
use crate::check::shapes::{Counts, Row, Table, table};
use crate::size::Poly;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table as Grid, presets};
use indexmap::IndexMap;
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// Only this net
    #[arg(long)]
    net: Option<String>,
    /// Blocks inside of blocks, too
    #[arg(long)]
    deep: bool,
}

/// The version of the JSON form.
const VERSION: u32 = 1;

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load(&args.file)?;
    let checked = &loaded.checked;
    let nets: Vec<&Net> = match &args.net {
        Some(name) => vec![&checked.nets[super::run::pick(checked, Some(name))?]],
        None => checked.nets.iter().collect(),
    };
    let line = |row: &Row| checked.sources.position(row.at).0;
    if common.json() {
        let each: Vec<Value> = nets.iter().map(|net| to_json(net, &table(checked, net), &line)).collect();
        output::line(&json!({ "version": VERSION, "nets": each }).to_string());
        return Ok(0);
    }
    for (number, net) in nets.iter().enumerate() {
        if number > 0 {
            output::line("");
        }
        print(net, &table(checked, net), args.deep, &line);
    }
    Ok(0)
}

fn print(net: &Net, table: &Table, deep: bool, line: &dyn Fn(&Row) -> usize) {
    output::line(&net.name);
    table.lengths.iter().for_each(|length| output::line(&format!("  {length}")));
    let mut grid = grid(&["layer", "input", "output", "parameters", "%", "multiply-adds", "activations", "line"]);
    for row in table.rows.iter().filter(|row| deep || row.depth == 0) {
        let mut cells = vec![
            Cell::new(format!("{}{}", "  ".repeat(row.depth), row.path.rsplit('.').next().unwrap_or(""))),
            Cell::new(show(&row.input)),
            Cell::new(show(&row.output)),
        ];
        cells.extend(counts(&row.counts, table.total.params));
        cells.push(right(line(row).to_string()));
        grid.add_row(cells);
    }
    if table.others.params > 0 || !table.others.multiply_adds.is_zero() {
        let mut cells = vec![Cell::new("(the net itself)"), Cell::new(""), Cell::new("")];
        cells.extend(counts(&table.others, table.total.params));
        cells.push(Cell::new(""));
        grid.add_row(cells);
    }
    output::line(&grid.trim_fmt());
    output::line("");
    let mut kinds = self::grid(&["kind", "count", "parameters", "%", "multiply-adds", "activations"]);
    for (kind, (count, sum)) in by_kind(table) {
        let mut cells = vec![Cell::new(kind), right(count.to_string())];
        cells.extend(counts(&sum, table.total.params));
        kinds.add_row(cells);
    }
    let mut cells = vec![Cell::new("in all"), Cell::new("")];
    cells.extend(counts(&table.total, table.total.params));
    kinds.add_row(cells);
    output::line(&kinds.trim_fmt());
}

/// Totals of the innermost blocks by their names, in order of first use.
fn by_kind(table: &Table) -> IndexMap<String, (usize, Counts)> {
    let mut kinds: IndexMap<String, (usize, Counts)> = IndexMap::new();
    for row in table.rows.iter().filter(|row| row.leaf) {
        let (count, sum) = kinds.entry(row.block.to_string()).or_default();
        *count += 1;
        sum.params += row.counts.params;
        sum.multiply_adds = plus(&sum.multiply_adds, &row.counts.multiply_adds);
        sum.activations = plus(&sum.activations, &row.counts.activations);
    }
    kinds
}

fn grid(heads: &[&str]) -> Grid {
    let mut grid = Grid::new();
    grid.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let numbers = ["parameters", "%", "multiply-adds", "activations", "line", "count"];
    grid.set_header(heads.iter().map(|head| {
        let cell = Cell::new(head);
        if numbers.contains(head) { cell.set_alignment(CellAlignment::Right) } else { cell }
    }));
    grid
}

fn counts(counts: &Counts, total: u64) -> Vec<Cell> {
    let blank = |none: bool, text: String| if none { right(String::new()) } else { right(text) };
    let (none, adds, kept) = (counts.params == 0, &counts.multiply_adds, &counts.activations);
    vec![
        blank(none, thousands(counts.params)),
        blank(none, format!("{:.2}", percent(counts.params, total))),
        blank(adds.is_zero(), whole(adds).map_or_else(|| adds.to_string(), thousands)),
        blank(kept.is_zero(), whole(kept).map_or_else(|| format!("{} B", in_bytes(kept)), |n| bytes(n * 4))),
    ]
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// `[12, 48, 48]`, `[T, 64]`
fn show(shape: &[Poly]) -> String {
    format!("[{}]", shape.iter().map(Poly::to_string).collect::<Vec<_>>().join(", "))
}

/// The number, where no length is open.
fn whole(count: &Poly) -> Option<u64> {
    count.as_number().and_then(|n| u64::try_from(n).ok())
}

fn in_bytes(count: &Poly) -> Poly {
    count.scale(4).unwrap_or_else(|_| Poly::number(i64::MAX))
}

fn plus(a: &Poly, b: &Poly) -> Poly {
    a.add(b).unwrap_or_else(|_| Poly::number(i64::MAX))
}

/// A number, or a text where lengths are open.
fn value(count: &Poly) -> Value {
    whole(count).map_or_else(|| Value::from(count.to_string()), Value::from)
}

/// `394,634`
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bytes(n: u64) -> String {
    match n {
        0..1024 => format!("{n} B"),
        1024..1_048_576 => format!("{:.1} KiB", n as f64 / 1024.0),
        _ => format!("{:.1} MiB", n as f64 / 1_048_576.0),
    }
}

fn to_json(net: &Net, table: &Table, line: &dyn Fn(&Row) -> usize) -> Value {
    let counts = |c: &Counts| {
        json!({ "parameters": c.params, "share": percent(c.params, table.total.params),
                "multiply_adds": value(&c.multiply_adds), "activation_bytes": value(&in_bytes(&c.activations)) })
    };
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            let shape = |shape: &[Poly]| shape.iter().map(value).collect::<Vec<_>>();
            json!({ "layer": row.path, "block": &*row.block, "input": shape(&row.input), "output": shape(&row.output),
                "line": line(row), "leaf": row.leaf, "counts": counts(&row.counts) })
        })
        .collect();
    let kinds: serde_json::Map<String, Value> = by_kind(table)
        .into_iter()
        .map(|(kind, (n, sum))| (kind, json!({ "count": n, "counts": counts(&sum) })))
        .collect();
    let mut all = json!({ "net": &*net.name, "layers": rows, "kinds": kinds, "total": counts(&table.total) });
    if !table.lengths.is_empty() {
        all["lengths"] = json!(table.lengths);
    }
    all
}
