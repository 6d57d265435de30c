//! Parts of a comment -> one text of no more than so many bytes. What may be cut is cut on whole lines, with its fence closed and
//! the number of missing lines beside it; what may not is there as a whole, or a sentence says that it is not.

/// A part of a comment
#[derive(Debug)]
pub enum Part {
    /// Always there
    Text(String),
    /// As much of it as there is room for
    Cut(List),
    /// All of it, or this instead
    Whole(List, String),
}

/// Lines between an opening and a closing
#[derive(Debug, Default)]
pub struct List {
    /// Before the lines
    pub open: String,
    /// Each with its end
    pub lines: Vec<String>,
    /// After them
    pub close: String,
}

impl List {
    fn size(&self) -> usize {
        self.open.len() + self.lines.iter().map(String::len).sum::<usize>() + self.close.len()
    }

    fn text(self) -> String {
        self.open + &self.lines.concat() + &self.close
    }

    /// The first lines, as many as go into `room` with all that is around them
    fn cut(mut self, room: usize, rest: &str) -> String {
        if self.size() <= room {
            return self.text();
        }
        let note = |count: usize| format!("\n*{count} more lines are not shown here: {rest}.*\n");
        let room = room.saturating_sub(self.open.len() + self.close.len() + note(self.lines.len()).len());
        let mut used = 0;
        let fitting = self.lines.iter().take_while(|line| {
            used += line.len();
            used <= room
        });
        let shown = fitting.count();
        let missing = note(self.lines.len() - shown);
        self.lines.truncate(shown);
        // An empty fence would only look like nothing to do.
        if shown == 0 { missing } else { self.text() + &missing }
    }
}

/// A text that fits
#[derive(Debug)]
pub struct Fitted {
    /// All of it
    pub text: String,
    /// Whether everything is there that may not be cut
    pub whole: bool,
}

/// What a list that is cut to nothing still takes
const NOTE: usize = 200;

/// Puts the parts together; `rest` says where the lines are that are missing
pub fn fit(parts: Vec<Part>, budget: usize, rest: &str) -> Fitted {
    let (parts, whole) = with_whole(parts, budget);
    let fixed: usize = parts.iter().map(least).sum();
    let notes = NOTE * parts.iter().filter(|part| matches!(part, Part::Cut(_))).count();
    let sizes: Vec<usize> = parts.iter().filter_map(cuttable).collect();
    let share = share(&sizes, budget.saturating_sub(fixed - notes));
    let text = parts.into_iter().map(|part| match part {
        Part::Text(text) => text,
        Part::Whole(list, _) => list.text(),
        Part::Cut(list) => list.cut(share, rest),
    });
    Fitted { text: text.collect(), whole }
}

/// Replaces what may not be cut and is too long, the longest first, until the others fit
fn with_whole(mut parts: Vec<Part>, budget: usize) -> (Vec<Part>, bool) {
    let mut whole = true;
    while parts.iter().map(least).sum::<usize>() > budget {
        let lists = parts.iter_mut().filter(|part| matches!(part, Part::Whole(..)));
        let Some(longest) = lists.max_by_key(|part| least(part)) else { break };
        if let Part::Whole(_, instead) = longest {
            *longest = Part::Text(std::mem::take(instead));
        }
        whole = false;
    }
    (parts, whole)
}

/// The least that a part takes
fn least(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Whole(list, _) => list.size(),
        Part::Cut(_) => NOTE,
    }
}

fn cuttable(part: &Part) -> Option<usize> {
    match part {
        Part::Cut(list) => Some(list.size()),
        _ => None,
    }
}

/// The most that each of these may take, so that all go into `room`: who needs less leaves the rest to the others
fn share(sizes: &[usize], mut room: usize) -> usize {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    for (i, size) in sizes.iter().enumerate() {
        let equal = room / (sizes.len() - i);
        if *size > equal {
            return equal;
        }
        room -= size;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize) -> List {
        let lines = (0..count).map(|i| format!("line {i:04}\n")).collect();
        List { open: "```\n".to_owned(), lines, close: "```\n".to_owned() }
    }

    fn fitted(parts: Vec<Part>, budget: usize) -> Fitted {
        let fitted = fit(parts, budget, "look there");
        assert!(fitted.text.len() <= budget, "{} bytes, not {budget}", fitted.text.len());
        fitted
    }

    #[test]
    fn a_long_list_leaves_short_ones_whole_and_says_how_much_is_missing() {
        let text = fitted(vec![Part::Cut(list(1000)), Part::Cut(list(10))], 2000).text;
        assert!(text.ends_with("line 0008\nline 0009\n```\n"), "{text}");
        let shown = text.lines().filter(|line| line.starts_with("line")).count() - 10;
        assert!(shown > 100, "the room is used: {shown}");
        assert!(
            text.contains(&format!(
                "\n```\n\n*{} more lines are not shown here: look there.*\n",
                1000 - shown
            ))
        );
        assert_eq!(text.matches("```\n").count(), 4, "fences are closed");
    }

    #[test]
    fn what_may_not_be_cut_goes_before_what_may_and_is_whole_or_not_there() {
        let parts = || vec![Part::Cut(list(1000)), Part::Whole(list(100), "too long\n".to_owned())];
        let kept = fitted(parts(), 1500);
        assert!(kept.whole && kept.text.contains("line 0098\nline 0099\n```\n"), "{}", kept.text);
        let lost = fitted(parts(), 800);
        assert!(!lost.whole && lost.text.ends_with("\ntoo long\n"), "{}", lost.text);
    }

    #[test]
    fn a_line_that_fits_nowhere_is_counted_and_no_fence_is_left_empty() {
        let long = List { lines: vec!["x".repeat(5000)], ..list(0) };
        assert_eq!(
            fitted(vec![Part::Cut(long)], 1000).text,
            "\n*1 more lines are not shown here: look there.*\n"
        );
    }

    #[test]
    fn room_is_shared_by_need() {
        assert_eq!(share(&[10, 20, 30], 60), usize::MAX);
        assert_eq!(share(&[10, 1000, 1000], 110), 50);
        assert_eq!(share(&[], 0), usize::MAX);
    }
}
