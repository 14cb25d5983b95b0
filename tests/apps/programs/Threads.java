// Threads, locks, garbage, exceptions (null pointers and stack overflow come from faults), timers.
import java.util.*;
import java.util.concurrent.*;

public class Threads {
    static int deep(int n) {
        return deep(n + 1) + 1;
    }

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            final int n = i;
            results.add(pool.submit(() -> {
                Map<Integer, String> m = new HashMap<>();
                for (int j = 0; j < 5000; j++)
                    m.put(j, "value " + j * n);
                return m.values().stream().mapToLong(String::length).sum();
            }));
        }
        long total = 0;
        for (Future<Long> f : results)
            total += f.get();
        pool.shutdown();
        System.out.println(total);
        try {
            Object o = args.length > 5 ? "x" : null;
            o.hashCode();
        } catch (NullPointerException e) {
            System.out.println("null pointer");
        }
        try {
            deep(0);
        } catch (StackOverflowError e) {
            System.out.println("stack overflow");
        }
        System.gc();
        Thread.sleep(20);
        System.exit(8);
    }
}
