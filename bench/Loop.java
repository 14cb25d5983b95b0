// Allocation, hashing and arithmetic, a few seconds.
import java.util.HashMap;

public class Loop {
    public static void main(String[] args) {
        HashMap<Integer, String> m = new HashMap<>();
        long sum = 0;
        for (int i = 0; i < 30000000; i++) {
            m.put(i % 10007, "v" + i);
            sum += m.get(i % 5003) == null ? 0 : m.get(i % 5003).length();
        }
        System.out.println(sum);
    }
}
