(* System threads, a mutex, the garbage collector, exceptions. *)
let m = Mutex.create ()
let total = ref 0

let work n =
  let l = List.init 2000 (fun i -> (i * n) mod 101) in
  let s = List.fold_left ( + ) 0 (List.sort compare l) in
  Mutex.lock m;
  total := !total + s;
  Mutex.unlock m

let () =
  let threads = List.init 8 (fun i -> Thread.create work (i + 1)) in
  List.iter Thread.join threads;
  Gc.full_major ();
  Printf.printf "%d\n" !total;
  Thread.delay 0.01;
  (try failwith "caught" with Failure s -> print_endline s);
  exit 6
