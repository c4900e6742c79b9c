//! What is proposed so that a peer can send objects back: storage classes, each uncompressed and in the compressed syntaxes, as
//! long as there are presentation contexts. Pure.

use isocenter_dimse::{Proposal, ProposalError, RoleSelection, sop};

use crate::peer::PLAIN;

/// Presentation contexts of one association (PS3.8 §9.3.2.2).
const MOST: usize = 128;
/// Root of the storage classes.
const ROOT: &str = "1.2.840.10008.5.1.4.1.1.";

/// Compressed syntaxes, each in a context of its own, so that a peer need not decode what it stores so: first those that
/// lose nothing and are most used.
const COMPRESSED: [&str; 17] = [
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
];

/// What studies are made of, the commonest first; each behind the root.
const COMMON: [&str; 62] = [
    "2", "4", "1", "1.1", "7", "6.1", "3.1", "1.2", "12.1", "20", "128", "2.1", "4.1", "88.67", "88.59", "88.33",
    "88.22", "88.11", "11.1", "104.1", "1.3", "1.1.1", "1.2.1", "12.2", "13.1.3", "481.1", "481.2", "481.3", "481.5",
    "481.4", "66.4", "66.1", "66.3", "66.5", "66", "7.2", "7.3", "7.4", "7.1", "4.2", "4.3", "6.2", "12.1.1", "12.2.1",
    "13.1.1", "130", "77.1.1", "77.1.2", "77.1.4", "77.1.1.1", "77.1.2.1", "77.1.4.1", "77.1.5.1", "77.1.5.2",
    "77.1.5.4", "78.7", "9.1.1", "9.1.2", "9.1.3", "9.2.1", "88.34", "11.2",
];

/// Adds storage contexts, of which the peer is to be the user and this side the provider (PS3.7 §D.3.3.4). Where the classes
/// are not known, the common ones.
///
/// # Errors
/// A class is no UID.
pub(super) fn add_storage(proposal: &mut Proposal, known: &[String]) -> Result<(), ProposalError> {
    let mut classes: Vec<String> = known.iter().filter(|class| sop::is_storage(class)).cloned().collect();
    classes.sort();
    classes.dedup();
    if classes.is_empty() {
        classes = COMMON.iter().map(|rest| format!("{ROOT}{rest}")).collect();
    }
    classes.truncate(MOST - proposal.contexts().len());
    for class in &classes {
        proposal.add_context(class, &PLAIN)?;
        proposal.add_role(RoleSelection {
            sop_class: class.clone(),
            scu: false,
            scp: true,
        })?;
    }
    for syntax in COMPRESSED {
        for class in &classes {
            if proposal.contexts().len() == MOST {
                return Ok(());
            }
            proposal.add_context(class, &[syntax])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use isocenter_dimse::{AeTitle, Proposal, sop};

    use super::{COMMON, ROOT, add_storage};

    fn proposed(known: &[&str]) -> Proposal {
        let title = AeTitle::parse("A").unwrap();
        let mut proposal = Proposal::new(title.clone(), title);
        proposal
            .add_context(sop::STUDY_ROOT_GET, &["1.2.840.10008.1.2"])
            .unwrap();
        let known: Vec<String> = known.iter().map(|class| (*class).to_owned()).collect();
        add_storage(&mut proposal, &known).unwrap();
        proposal
    }

    #[test]
    fn the_common_classes_are_of_storage() {
        for rest in COMMON {
            assert!(sop::name(&format!("{ROOT}{rest}")).is_some(), "{rest}");
        }
    }

    #[test]
    fn contexts_are_as_many_as_there_may_be() {
        // A class in two plain syntaxes, and each compressed one.
        assert_eq!(proposed(&[sop::CT_IMAGE, sop::CT_IMAGE]).contexts().len(), 1 + 1 + 17);
        // What is no storage class is not proposed.
        assert_eq!(
            proposed(&[sop::CT_IMAGE, sop::VERIFICATION]).contexts().len(),
            1 + 1 + 17
        );
        let common = proposed(&[]);
        assert_eq!(common.contexts().len(), 128);
        assert_eq!(common.contexts()[1].abstract_syntax, sop::CT_IMAGE);
        let many: Vec<String> = (0..200).map(|n| format!("1.3.6.1.4.1.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(proposed(&many).contexts().len(), 128);
    }
}
