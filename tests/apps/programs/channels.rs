// Threads, channels, a panic caught, files, collections.
use std::collections::BTreeMap;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::Duration;

fn main() {
    let (sender, receiver) = mpsc::channel();
    let counts = Arc::new(Mutex::new(BTreeMap::new()));
    let threads: Vec<_> = (0..8u64)
        .map(|i| {
            let (sender, counts) = (sender.clone(), counts.clone());
            thread::spawn(move || {
                for j in 0..500 {
                    *counts.lock().unwrap().entry(j % 7).or_insert(0) += i;
                }
                sender.send(i * i).unwrap();
            })
        })
        .collect();
    drop(sender);
    for t in threads {
        t.join().unwrap();
    }
    println!("{} {:?}", receiver.iter().sum::<u64>(), counts.lock().unwrap());
    let caught = thread::spawn(|| panic!("on purpose")).join().is_err();
    thread::sleep(Duration::from_millis(10));
    println!("{} {}", caught, std::env::args().count());
    std::process::exit(4);
}
