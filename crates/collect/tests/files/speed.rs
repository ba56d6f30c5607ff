use super::*;
use std::time::Instant;
#[test]
fn speed() {
    let Ok(paths) = std::env::var("SPEED") else { return };
    for path in paths.split(' ') {
        let path = Path::new(path);
        for pass in 0..3 {
            let mut out = Vec::new();
            for mode in ["open", "pipe 1MiB", "flate2 MultiGz"] {
                let t = Instant::now();
                let mut n = 0u64;
                let mut end = String::new();
                out.clear();
                if mode == "flate2 MultiGz" {
                    if std::env::var("RSS").is_ok() || !path.to_string_lossy().ends_with("gz") {
                        continue;
                    }
                    let f = std::fs::File::open(path).unwrap();
                    let mut d = flate2::read::MultiGzDecoder::new(f);
                    n = std::io::copy(&mut d, &mut std::io::sink()).unwrap();
                } else {
                    let blob = if mode == "open" {
                        Blob::open(path, &Limits::default())
                    } else {
                        Blob::from_reader("x", std::fs::File::open(path).unwrap(), &Limits::default())
                    };
                    match blob {
                        Err(e) => end = e.why(),
                        Ok(mut blob) => loop {
                            let r = blob.read(&mut out, 1 << 20);
                            n += out.len() as u64;
                            out.clear();
                            match r {
                                Ok(true) => {}
                                Ok(false) => {
                                    end = "ok".into();
                                    break;
                                }
                                Err(e) => {
                                    end = e.to_string();
                                    break;
                                }
                            }
                        },
                    }
                }
                let s = t.elapsed().as_secs_f64();
                let st = std::fs::read_to_string("/proc/self/status").unwrap();
                let hwm = st.lines().find(|l| l.starts_with("VmHWM")).unwrap().to_owned();
                eprintln!("{} {pass} {mode}: {n} B {:.0} MB/s {hwm} {end}", path.display(), n as f64 / s / 1e6);
            }
        }
    }
}
