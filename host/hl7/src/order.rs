//! What an order says, mapped to entries of the worklist by IHE RAD TF-2 §4.4 and appendix B: ORM^O01, where an ORC and an OBR
//! make a step; OMG^O19, the same with times in TQ1; and OMI^O23, where each IPC does.
//!
//! Segments PID, PV1 and ZDS are the whole message's. Numbers and names are taken whole or refused, never cut: a step under half
//! an accession number is another step. Descriptions are cut to what DICOM has room for.

use isocenter_dicom::{Tag, Uid, tags};
use isocenter_procedure::{DataSet, Identity, Order, ScheduledStep, Values};
use serde_json::{Map, Value, json};

use crate::Stations;
use crate::message::{self, DATA_TYPE, Fields, REQUIRED_FIELD, Refusal, SEGMENT_SEQUENCE, VALUE_NOT_FOUND};

/// Steps of one message at most.
const MOST_STEPS: usize = 200;

/// What a message says of one step or order.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// Which.
    pub identity: Identity,
    /// What to do.
    pub action: Action,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A new order (NW).
    New(Box<ScheduledStep>),
    /// What is known of an order, or not yet (XO).
    Change(Box<ScheduledStep>),
    /// It is not to be done (CA), or not to be gone on with (DC); or it was done, elsewhere (SC with CM).
    End(&'static str),
    /// Scheduled Procedure Step Status (SC).
    Status(&'static str),
}

/// Reads a message into what it says, in its order.
///
/// # Errors
/// Everything in it can be done, or nothing is.
pub fn read(bytes: &[u8], stations: &Stations) -> Result<Vec<Instruction>, Refusal> {
    let text = message::text(bytes)?;
    let message = message::parse(&text)?;
    let segments: Vec<Fields<'_, '_>> = message
        .segments()
        .map(|segment| Fields::of(segment, &message))
        .collect();
    let first = |name: &str| segments.iter().find(|fields| fields.segment.name == name).copied();
    let pid = first("PID").ok_or_else(|| Refusal::error(SEGMENT_SEQUENCE, "the PID segment is missing"))?;
    let shared = Shared {
        pid,
        visit: first("PV1"),
        study: first("ZDS").and_then(|zds| zds.text(1, 1)),
        stations,
    };
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    for fields in &segments {
        match (fields.segment.name, groups.last_mut()) {
            ("ORC", _) => groups.push(Group::of(*fields)),
            ("OBR", Some(group)) if group.request.is_none() => group.request = Some(*fields),
            // Further requests of one control segment.
            ("OBR", Some(group)) => {
                let mut next = Group::of(group.control);
                next.timing = group.timing;
                next.request = Some(*fields);
                groups.push(next);
            }
            ("TQ1", Some(group)) if group.timing.is_none() => group.timing = Some(*fields),
            ("IPC", Some(group)) => group.procedures.push(*fields),
            _ => {}
        }
    }
    if groups.is_empty() {
        return Err(Refusal::error(SEGMENT_SEQUENCE, "the ORC segment is missing"));
    }
    let mut instructions = Vec::new();
    for group in &groups {
        if group.procedures.is_empty() {
            instructions.push(shared.instruction(group, None)?);
        }
        for procedure in &group.procedures {
            instructions.push(shared.instruction(group, Some(*procedure))?);
        }
    }
    if instructions.len() > MOST_STEPS {
        let most = format!(
            "a message has at most {MOST_STEPS} steps, this has {}",
            instructions.len()
        );
        return Err(Refusal::error(SEGMENT_SEQUENCE, most));
    }
    Ok(instructions)
}

/// What an order control segment begins.
struct Group<'s, 'm> {
    control: Fields<'s, 'm>,
    timing: Option<Fields<'s, 'm>>,
    request: Option<Fields<'s, 'm>>,
    procedures: Vec<Fields<'s, 'm>>,
}

impl<'s, 'm> Group<'s, 'm> {
    fn of(control: Fields<'s, 'm>) -> Self {
        Self {
            control,
            timing: None,
            request: None,
            procedures: Vec::new(),
        }
    }
}

/// What all steps of a message have.
struct Shared<'s, 'm> {
    pid: Fields<'s, 'm>,
    visit: Option<Fields<'s, 'm>>,
    study: Option<String>,
    stations: &'s Stations,
}

type Optional<'s, 'm> = Option<Fields<'s, 'm>>;

fn of(segment: Optional<'_, '_>, field: usize, component: usize) -> Option<String> {
    segment.and_then(|segment| segment.text(field, component))
}

impl Shared<'_, '_> {
    fn instruction(&self, group: &Group<'_, '_>, procedure: Optional<'_, '_>) -> Result<Instruction, Refusal> {
        let identity = self.identity(group, procedure)?;
        let control = group.control.text(1, 1).unwrap_or_default();
        let status = group.control.text(5, 1);
        let action = match (control.as_str(), status.as_deref()) {
            ("NW", _) => Action::New(Box::new(self.step(group, procedure, &identity)?)),
            ("XO" | "XX" | "RP" | "RO", _) => Action::Change(Box::new(self.step(group, procedure, &identity)?)),
            ("CA" | "OC" | "CR", _) | ("SC", Some("CA")) => Action::End("cancelled"),
            ("DC" | "OD" | "DR", _) | ("SC", Some("DC")) => Action::End("discontinued"),
            ("SC", Some("CM")) => Action::End("completed"),
            ("SC", Some("SC")) => Action::Status("SCHEDULED"),
            ("SC", Some("IP")) => Action::Status("STARTED"),
            ("SC", _) => {
                let reason = "the order status (ORC-5) of a change of status must be SC, IP, CM, CA or DC";
                return Err(Refusal::error(VALUE_NOT_FOUND, reason));
            }
            _ => {
                let reason = "the order control code (ORC-1) must be NW, XO, CA, DC or SC";
                return Err(Refusal::error(VALUE_NOT_FOUND, reason));
            }
        };
        let named = identity.study.is_some() || identity.order != Order::default();
        if !named {
            let reason = "the order has no number: ORC-2, ORC-3, OBR-18, IPC-1 or a study UID must be given";
            return Err(Refusal::error(REQUIRED_FIELD, reason));
        }
        Ok(Instruction { identity, action })
    }

    fn identity(&self, group: &Group<'_, '_>, procedure: Optional<'_, '_>) -> Result<Identity, Refusal> {
        let request = group.request;
        let study = of(procedure, 3, 1).or_else(|| self.study.clone());
        let study = study.map(|text| {
            Uid::parse(&text).map_err(|bad| Refusal::error(DATA_TYPE, format!("the study (ZDS-1 or IPC-3): {bad}")))
        });
        let number = |field: usize| {
            let of_control = numbered(group.control, field);
            of_control.or_else(|| request.and_then(|request| numbered(request, field)))
        };
        Ok(Identity {
            order: Order {
                accession_number: of(procedure, 1, 1).or_else(|| of(request, 18, 1)),
                placer: number(2),
                filler: number(3),
            },
            study: study.transpose()?,
            step: of(procedure, 4, 1).or_else(|| of(request, 20, 1)),
            patient: self.pid.text(3, 1),
        })
    }

    fn step(
        &self,
        group: &Group<'_, '_>,
        procedure: Optional<'_, '_>,
        identity: &Identity,
    ) -> Result<ScheduledStep, Refusal> {
        let request = group.request;
        if request.is_none() {
            return Err(Refusal::error(
                SEGMENT_SEQUENCE,
                "the OBR segment of an order is missing",
            ));
        }
        let mut step = DataSet::new();
        let modality = of(procedure, 5, 1).or_else(|| of(request, 24, 1));
        put(&mut step, tags::MODALITY, "CS", modality.clone());
        self.place(&mut step, request, procedure, modality.as_deref())?;
        when(&mut step, group)?;
        put(
            &mut step,
            tags::SCHEDULED_PROCEDURE_STEP_ID,
            "SH",
            identity.step.clone(),
        );
        let technician = request.and_then(|request| doctor(request, 34));
        name(&mut step, tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, technician);
        // OBR-4: the requested procedure's code, then that of the step.
        let universal = |component: usize| of(request, 4, component);
        let protocol = match procedure {
            Some(procedure) => [1, 3, 2].map(|component| procedure.text(6, component)),
            None => [4, 6, 5].map(universal),
        };
        let [_, _, meaning] = &protocol;
        let text = meaning.clone().or_else(|| universal(5)).or_else(|| universal(2));
        cut(&mut step, tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, text);
        code(&mut step, tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE, protocol);

        let mut entry = DataSet::new();
        self.patient(&mut entry);
        put(
            &mut entry,
            tags::ACCESSION_NUMBER,
            "SH",
            identity.order.accession_number.clone(),
        );
        let study = identity.study.as_ref().map(|uid| uid.as_str().to_owned());
        put(&mut entry, tags::STUDY_INSTANCE_UID, "UI", study);
        let requested = of(procedure, 2, 1).or_else(|| of(request, 19, 1));
        put(&mut entry, tags::REQUESTED_PROCEDURE_ID, "SH", requested);
        let described = of(request, 44, 2).or_else(|| universal(2));
        cut(&mut entry, tags::REQUESTED_PROCEDURE_DESCRIPTION, described);
        let coded = match of(request, 44, 1) {
            Some(value) => [Some(value), of(request, 44, 3), of(request, 44, 2)],
            None => [1, 3, 2].map(universal),
        };
        code(&mut entry, tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, coded);
        let priority = of(group.timing, 9, 1)
            .or_else(|| group.control.text(7, 6))
            .or_else(|| of(request, 27, 6));
        let priority = priority
            .or_else(|| of(request, 5, 1))
            .map(|priority| priority_of(&priority));
        put(
            &mut entry,
            tags::REQUESTED_PROCEDURE_PRIORITY,
            "SH",
            priority.map(str::to_owned),
        );
        cut(
            &mut entry,
            tags::REASON_FOR_THE_REQUESTED_PROCEDURE,
            of(request, 31, 2).or_else(|| of(request, 31, 1)),
        );
        cut(&mut entry, tags::PATIENT_TRANSPORT_ARRANGEMENTS, of(request, 30, 1));
        cut(
            &mut entry,
            tags::PATIENT_STATE,
            of(request, 12, 2).or_else(|| of(request, 12, 1)),
        );
        let orderer = request
            .and_then(|request| doctor(request, 16))
            .or_else(|| doctor(group.control, 12));
        name(&mut entry, tags::REQUESTING_PHYSICIAN, orderer);
        put(
            &mut entry,
            tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
            "LO",
            identity.order.placer.clone(),
        );
        put(
            &mut entry,
            tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
            "LO",
            identity.order.filler.clone(),
        );
        let sequence = json!({ "vr": "SQ", "Value": [step] });
        entry.insert(key(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE), sequence);
        ScheduledStep::of(&Value::Object(entry)).map_err(|faults| {
            let faults: Vec<String> = faults.iter().take(5).map(ToString::to_string).collect();
            Refusal::error(
                REQUIRED_FIELD,
                format!("the order makes no entry: {}", faults.join("; ")),
            )
        })
    }

    /// Where the step is done: said by the order, or else by the configuration, for its modality.
    fn place(
        &self,
        step: &mut DataSet,
        request: Optional<'_, '_>,
        procedure: Optional<'_, '_>,
        modality: Option<&str>,
    ) -> Result<(), Refusal> {
        let said = of(procedure, 9, 1).or_else(|| of(request, 21, 1));
        let configured = || modality.and_then(|modality| self.stations.get(modality)).cloned();
        let Some(stations) = said.map(|one| vec![one]).or_else(configured) else {
            let reason =
                "no station: neither IPC-9 nor OBR-21 has an AE title, and [hl7.stations] none for the modality";
            return Err(Refusal::error(REQUIRED_FIELD, reason));
        };
        step.insert(
            key(tags::SCHEDULED_STATION_AE_TITLE),
            json!({ "vr": "AE", "Value": stations }),
        );
        put(step, tags::SCHEDULED_STATION_NAME, "SH", of(procedure, 7, 1));
        put(step, tags::SCHEDULED_PROCEDURE_STEP_LOCATION, "SH", of(procedure, 8, 1));
        Ok(())
    }

    fn patient(&self, entry: &mut DataSet) {
        let pid = self.pid;
        put(entry, tags::PATIENT_ID, "LO", pid.text(3, 1));
        put(entry, tags::ISSUER_OF_PATIENT_ID, "LO", pid.text(3, 4));
        name(entry, tags::PATIENT_NAME, patient_name(pid));
        let born = pid.text(7, 1).and_then(|text| text.get(..8).map(str::to_owned));
        put(entry, tags::PATIENT_BIRTH_DATE, "DA", born);
        let sex = pid.text(8, 1).map(|sex| match sex.as_str() {
            "M" | "F" => sex,
            _ => "O".to_owned(),
        });
        put(entry, tags::PATIENT_SEX, "CS", sex);
        name(
            entry,
            tags::REFERRING_PHYSICIAN_NAME,
            self.visit.and_then(|visit| doctor(visit, 8)),
        );
        cut(entry, tags::CURRENT_PATIENT_LOCATION, of(self.visit, 3, 1));
        put(entry, tags::ADMISSION_ID, "LO", of(self.visit, 19, 1));
        put(
            entry,
            tags::CONFIDENTIALITY_CONSTRAINT_ON_PATIENT_DATA_DESCRIPTION,
            "LO",
            of(self.visit, 16, 1),
        );
    }
}

/// An order number with the namespace of who gave it.
fn numbered(segment: Fields<'_, '_>, field: usize) -> Option<String> {
    let number = segment.text(field, 1)?;
    Some(match segment.text(field, 2) {
        Some(namespace) => format!("{number}^{namespace}"),
        None => number,
    })
}

/// Scheduled Procedure Step Start Date and Time: TQ1-7, ORC-7.4, OBR-27.4 or OBR-36. Local time, as it is written.
fn when(step: &mut DataSet, group: &Group<'_, '_>) -> Result<(), Refusal> {
    let request = group.request;
    let said = of(group.timing, 7, 1)
        .or_else(|| group.control.text(7, 4))
        .or_else(|| of(request, 27, 4))
        .or_else(|| of(request, 36, 1));
    let missing = "the start is missing: TQ1-7, ORC-7.4, OBR-27.4 or OBR-36 must have a date and time";
    let said = said.ok_or_else(|| Refusal::error(REQUIRED_FIELD, missing))?;
    let local = said.split(['+', '-']).next().unwrap_or_default();
    let wrong = || Refusal::error(DATA_TYPE, "the start must be a date and time, YYYYMMDDHHMM at least");
    let (date, time) = local
        .split_at_checked(8)
        .filter(|(_, time)| time.len() >= 4)
        .ok_or_else(wrong)?;
    put(
        step,
        tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
        "DA",
        Some(date.to_owned()),
    );
    put(
        step,
        tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
        "TM",
        Some(time.to_owned()),
    );
    Ok(())
}

/// HL7 table 0027 and the priorities of TQ1-9 as DICOM has them (PS3.3 §C.4.11).
fn priority_of(code: &str) -> &'static str {
    match code {
        "S" => "STAT",
        "A" => "HIGH",
        "P" | "C" | "T" => "MEDIUM",
        _ => "ROUTINE",
    }
}

/// PID-5: its repetitions are the representations of one name (XPN-8: alphabetic, ideographic, phonetic).
fn patient_name(pid: Fields<'_, '_>) -> Option<Map<String, Value>> {
    let mut name = Map::new();
    for repeat in pid.repeats(5) {
        let part = |component| pid.of_repeat(repeat, component);
        let group = match part(8).as_deref() {
            Some("I") => "Ideographic",
            Some("P") => "Phonetic",
            _ => "Alphabetic",
        };
        // Family, given, middle, suffix, prefix, degree; DICOM has the prefix before the suffix.
        let suffix: Vec<String> = [part(4), part(6)].into_iter().flatten().collect();
        let parts = [part(1), part(2), part(3), part(5), Some(suffix.join(" "))];
        if let (Some(text), false) = (joined(parts), name.contains_key(group)) {
            name.insert(group.to_owned(), text.into());
        }
    }
    (!name.is_empty()).then_some(name)
}

/// A person after their ID (XCN).
fn doctor(segment: Fields<'_, '_>, field: usize) -> Option<Map<String, Value>> {
    let part = |component| segment.text(field, component);
    let text = joined([part(2), part(3), part(4), part(6), part(5)])?;
    Some(Map::from_iter([("Alphabetic".to_owned(), text.into())]))
}

/// The components of a name; a caret in one would be another component.
fn joined(parts: [Option<String>; 5]) -> Option<String> {
    let parts = parts.map(|part| part.unwrap_or_default().replace(['^', '=', '\\'], " "));
    let text = parts.join("^");
    let text = text.trim_end_matches('^');
    (!text.is_empty()).then(|| text.to_owned())
}

fn name(data_set: &mut DataSet, tag: Tag, name: Option<Map<String, Value>>) {
    if let Some(name) = name {
        data_set.put(tag, "PN", name);
    }
}

fn put(data_set: &mut DataSet, tag: Tag, vr: &'static str, text: Option<String>) {
    if let Some(text) = text {
        data_set.put(tag, vr, text);
    }
}

/// A text of VR LO, cut to its 64 characters, without what separates values.
fn cut(data_set: &mut DataSet, tag: Tag, text: Option<String>) {
    let short = |text: String| -> String {
        let plain = text.chars().map(|c| if c == '\\' || c.is_control() { ' ' } else { c });
        plain.take(64).collect()
    };
    put(data_set, tag, "LO", text.map(short));
}

/// A sequence of one code, where value and scheme fit: a code that is cut would be another.
fn code(data_set: &mut DataSet, sequence: Tag, [value, scheme, meaning]: [Option<String>; 3]) {
    let (Some(value), Some(scheme)) = (value, scheme) else {
        return;
    };
    if value.chars().count() > 16 || scheme.chars().count() > 16 {
        return;
    }
    let mut item = DataSet::new();
    item.put(tags::CODE_VALUE, "SH", value.clone());
    item.put(tags::CODING_SCHEME_DESIGNATOR, "SH", scheme);
    cut(&mut item, tags::CODE_MEANING, Some(meaning.unwrap_or(value)));
    data_set.insert(key(sequence), json!({ "vr": "SQ", "Value": [item] }));
}

fn key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

#[cfg(test)]
mod tests;
