//! What flow logs cost without any meaning: inflate, split into lines, split into fields, keep the place of each.

fn main() {
    let (_, corpus) = peers::arguments();
    let mut places = [(0u32, 0u32); 64];
    let (mut rows, mut sum) = (0, 0u64);
    let mut buffer = Vec::new();
    for file in peers::files(&corpus) {
        peers::inflate(&file, &mut buffer);
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &buffer) {
            let line = &buffer[start..end];
            let (mut at, mut n) = (0, 0);
            for blank in memchr::memchr_iter(b' ', line).chain([line.len()]) {
                places[n % 64] = (at as u32, blank as u32);
                at = blank + 1;
                n += 1;
            }
            rows += 1;
            sum += u64::from(places[(n - 1) % 64].1);
            start = end + 1;
        }
    }
    // The sum keeps the optimiser from leaving the work out.
    peers::finish(rows, sum % 2);
}
