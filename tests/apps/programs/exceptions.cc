// SPDX-License-Identifier: BSD-3-Clause
// Exceptions through several frames and threads, std::thread, futures, regex, locale-free streams.
#include <atomic>
#include <future>
#include <iostream>
#include <map>
#include <regex>
#include <stdexcept>
#include <thread>
#include <vector>

static int depth(int n)
{
    if (n == 0)
        throw std::runtime_error("bottom");
    return depth(n - 1) + 1;
}

int main()
{
    std::atomic<int> caught{0};
    std::vector<std::thread> threads;

    for (int i = 0; i < 8; i++)
        threads.emplace_back([&, i] {
            for (int j = 0; j < 200; j++)
                try {
                    depth(i * 5);
                } catch (const std::exception &e) {
                    caught++;
                }
        });
    for (auto &t : threads)
        t.join();
    auto f = std::async(std::launch::async, [] { return depth(3); });
    try {
        f.get();
    } catch (const std::runtime_error &e) {
        std::cout << "from a future: " << e.what() << "\n";
    }
    std::map<std::string, int> words;
    const std::string text = "the quick brown fox jumps over the lazy dog the end";
    std::regex word("\\w+");
    for (std::sregex_iterator i(text.begin(), text.end(), word), end; i != end; ++i)
        words[i->str()]++;
    for (auto &[w, n] : words)
        std::cout << w << " " << n << "\n";
    std::cout << caught << std::endl;
    throw 7; // terminate: SIGABRT
}
