// SPDX-License-Identifier: BSD-3-Clause
// The JDK's HttpServer and HttpClient, by loopback.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.Executors;

public class Web {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            byte[] body = new byte[Integer.parseInt(exchange.getRequestURI().getPath().substring(1))];
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        for (int size : new int[] {1, 1000, 100000, 3000000})
            for (int i = 0; i < 5; i++) {
                URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/" + size);
                byte[] got = client.send(HttpRequest.newBuilder(uri).build(),
                                         HttpResponse.BodyHandlers.ofByteArray()).body();
                if (got.length != size) throw new Exception("size " + size + " but " + got.length);
            }
        server.stop(0);
        System.out.println("web: fine");
        System.exit(0);
    }
}
