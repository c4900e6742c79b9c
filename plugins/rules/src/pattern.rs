//! Patterns with `*` and `?`.
//!
//! Separate because a careless matcher takes exponential time; this one takes at most pattern × text.

/// Whether the whole text matches. Case counts, as it does in DICOM.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on after the last `*`: it takes one more character each time.
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((pattern.clone(), before.clone()));
                text = before;
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => {
                let Some((after_star, mut taken)) = star.take() else {
                    return false;
                };
                if taken.next().is_none() {
                    return false;
                }
                star = Some((after_star.clone(), taken.clone()));
                (pattern, text) = (after_star, taken);
            }
        }
    }
}
