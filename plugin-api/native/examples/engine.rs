//! A whole inference engine in Rust: its models are tables of thresholds, their output is a mask.
//!
//! A model is a text file such as `thresholds -500 40 300`, with numbers that rise. The mask says for each value of the
//! image how many of them it reaches: 0 air, 1 soft tissue, … Beside it stands `engine.c`, which is the same in C.

use isocenter_native_api::{Element, Engine, Error, Input, Model, Output, Port, Stop};

struct Thresholds;

struct Table(Vec<i16>);

impl Engine for Thresholds {
    const NAME: &'static str = "thresholds";
    const VERSION: &'static str = "1.0.0";
    type Model = Table;

    fn open(bytes: &[u8]) -> Result<Table, Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::BadModel("the file is no text".into()))?;
        let mut words = text.split_whitespace();
        if words.next() != Some("thresholds") {
            return Err(Error::BadModel("the file does not begin with \"thresholds\"".into()));
        }
        let table: Vec<i16> = words
            .map(|word| word.parse())
            .collect::<Result<_, _>>()
            .map_err(|_| Error::BadModel("a threshold is no number from -32768 to 32767".into()))?;
        if table.is_empty() || table.len() > 255 || !table.is_sorted_by(|a, b| a < b) {
            return Err(Error::BadModel(
                "1 to 255 thresholds are wanted, each above the one before it".into(),
            ));
        }
        Ok(Table(table))
    }
}

impl Model for Table {
    fn inputs(&self) -> Vec<Port> {
        vec![Port::new("image", Element::Int16, [-1, -1])]
    }

    fn outputs(&self) -> Vec<Port> {
        vec![Port::new("mask", Element::UInt8, [-1, -1])]
    }

    fn run(&self, inputs: &[Input<'_>], stop: Stop<'_>) -> Result<Vec<Output>, Error> {
        let [image] = inputs else {
            return Err(Error::BadInput("one input is wanted: image".into()));
        };
        let (values, _) = image.data.as_chunks::<2>();
        let mut mask = Vec::with_capacity(values.len());
        // A row at a time, so that a run that nobody waits for ends soon.
        for row in values.chunks(4096) {
            if stop.is_set() {
                return Err(Error::Stopped);
            }
            mask.extend(row.iter().map(|value| self.reached(i16::from_ne_bytes(*value))));
        }
        Ok(vec![Output::new("mask", Element::UInt8, image.shape, mask)])
    }
}

impl Table {
    /// How many thresholds a value reaches. There are at most 255.
    fn reached(&self, value: i16) -> u8 {
        self.0.iter().map(|threshold| u8::from(value >= *threshold)).sum()
    }
}

isocenter_native_api::inference_engine!(Thresholds);
