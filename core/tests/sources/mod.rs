//! The files of a crate without their tests, and the paths that stand in them.

use std::fs;
use std::path::Path;

/// A file, without its tests.
pub(crate) struct Source {
    /// The names of its modules, from the crate on. A folder's own file has those of the folder.
    pub(crate) modules: Vec<String>,
    pub(crate) code: String,
}

/// A path as it is written: `crate::types::Result`, or what an import is called where it gets another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) segments: Vec<String>,
    pub(crate) name: String,
}

/// Reads the files below a crate's `src`. Tests may use what they like, so they are left out.
pub(crate) fn sources(root: &Path) -> Vec<Source> {
    below(root, &[])
}

fn below(folder: &Path, modules: &[String]) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if ["tests", "testing", "fuzzing"].contains(&name.as_str()) || name.ends_with("_tests") {
            continue;
        }
        let is_own = name == "mod" || (modules.is_empty() && ["lib", "main"].contains(&name.as_str()));
        let inner: Vec<String> = modules.iter().cloned().chain((!is_own).then_some(name)).collect();
        if path.is_dir() {
            found.extend(below(&path, &inner));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(Source { modules: inner, code: without_tests(&fs::read_to_string(&path).unwrap()) });
        }
    }
    found
}

/// Returns the code without its comments and its unit tests, which are the last item of their file.
pub(crate) fn without_tests(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

/// Returns the paths of a code, those in braces among them: of its imports, of what it hands on, and of the rest.
pub(crate) fn paths(code: &str) -> [Vec<Written>; 3] {
    let [mut imports, mut handed_on] = [Vec::new(), Vec::new()];
    let mut rest = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let begins = line.trim_start();
        let visible = begins.strip_prefix("pub").map(|after| match after.strip_prefix('(') {
            Some(scope) => scope.split_once(')').map_or("", |(_, after)| after),
            None => after,
        });
        let Some(tree) = visible.unwrap_or(begins).trim_start().strip_prefix("use ") else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            let Some(line) = lines.next() else { break };
            tree.push_str(line.trim());
            tree.push(' ');
        }
        let tree = tree.split(';').next().unwrap_or_default();
        if visible.is_some() { &mut handed_on } else { &mut imports }.extend(branches(tree));
    }
    [imports, handed_on, in_code(&rest)]
}

/// Splits the tree of an import into its paths.
fn branches(tree: &str) -> Vec<Written> {
    let tree = tree.trim();
    if let Some((before, list)) = tree.split_once('{') {
        let before: Vec<String> = before.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let join = |path: Written| Written { segments: [before.clone(), path.segments].concat(), name: path.name };
        return items(list).iter().flat_map(|item| branches(item)).map(join).collect();
    }
    let (path, name) = tree.split_once(" as ").map_or((tree, None), |(path, name)| (path, Some(name)));
    let mut segments: Vec<String> = path.split("::").map(|name| name.trim().to_owned()).collect();
    if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
        segments.pop();
    }
    let last = segments.last().cloned().unwrap_or_default();
    if last.is_empty() { Vec::new() } else { vec![Written { name: name.map_or(last, str::to_owned), segments }] }
}

/// Splits a list at its own commas, up to the brace that ends it.
fn items(list: &str) -> Vec<String> {
    let (mut items, mut depth) = (vec![String::new()], 0);
    for letter in list.chars() {
        match letter {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth += i32::from(letter == '{') - i32::from(letter == '}');
                items.last_mut().unwrap().push(letter);
            }
        }
    }
    items
}

/// Finds the paths of more than one name in code.
fn in_code(code: &str) -> Vec<Written> {
    let is_of_path = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':');
    let words = code.split(|letter| !is_of_path(letter));
    let written = |word: &str| {
        let word = word.trim_end_matches(':');
        let segments: Vec<String> = word.split("::").map(str::to_owned).collect();
        let is_path = segments.len() > 1 && segments.iter().all(|name| !name.is_empty() && !name.contains(':'));
        is_path.then(|| Written { name: segments.last().cloned().unwrap_or_default(), segments })
    };
    words.filter_map(written).collect()
}
