//===- gpu.cpp - Compiled entries on a GPU: agreement, bandwidth, graphs ---------===//
//
// Usage: gpu [--driver FILE] [--blas FILE] [--only agree] [--smoke] [--json FILE]
//
// One JSON object with what was measured; test/bench/gpu compares it with torch and with the bars. `--smoke` takes small sizes and asserts no number: with a driver that
// only keeps a record it shows that everything is launched.
//
//===----------------------------------------------------------------------===//

#include "test/bench/device/Arrays.h"

#include "adamw.h"
#include "cross_entropy.h"
#include "lion.h"
#include "perceptron.h"
#include "products.h"
#include "products_bf16.h"
#include "sgd.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>

using namespace bench;

namespace {

struct Case {
  const char *name;
  const gradus_entry *device, *host;
};

/// The rules of the bars.
std::vector<Case> getRules() {
  return {{"adamw", adamw_step_cuda_entry(), adamw_step_entry()},
          {"lion", lion_step_cuda_entry(), lion_step_entry()},
          {"sgd", plain_sgd_step_cuda_entry(), plain_sgd_step_entry()}};
}

class Bench {
public:
  Bench(Gpu &gpu, bool isSmoke) : gpu(gpu), isSmoke(isSmoke) {}

  void agree();
  void measureCopy();
  void measureRules();
  void measureMany();
  void measureRows();
  /// Without a name cuBLAS is looked for.
  void measureProducts(const std::string &blas);
  void measurePerceptron(const std::string &name);
  void measureProduct(const std::string &name, const gradus_entry &entry);
  void captureSteps();
  std::string getJson() const { return "{\n" + lines + "  \"dispatches\": " + std::to_string(gpu.countDispatches()) + "\n}\n"; }
  bool isGood() const { return problems == 0; }

private:
  void report(const std::string &key, double value) {
    char text[64];
    std::snprintf(text, sizeof(text), "%.9g", value);
    lines += "  \"" + key + "\": " + (std::isfinite(value) ? text : "NaN") + ",\n";
    std::printf("%-32s %s\n", key.c_str(), text);
    std::fflush(stdout);
  }
  void fail(const std::string &text) {
    ++problems;
    std::printf("WRONG: %s\n", text.c_str());
  }
  /// The largest relative difference, which must be within `tolerance` where a device computes.
  double compare(const std::string &name, Arrays &device, Arrays &host, double tolerance);
  /// One step with the defaults; t = 3, so that nothing is at its start.
  void step(Arrays &arrays, const gradus_entry &entry) {
    std::vector<double> const hyper = getDefaults(entry);
    gpu.check(arrays.call(&gpu.context, hyper.data(), 3));
  }

  Gpu &gpu;
  bool isSmoke;
  std::string lines;
  int problems = 0;
};

} // namespace

/// The largest difference between what both sides wrote, over the size of the numbers.
double Bench::compare(const std::string &name, Arrays &device, Arrays &host, double tolerance) {
  std::vector<std::vector<char>> const there = device.fetch(), here = host.fetch();
  double worst = 0;
  for (size_t k = 0; k < here.size(); ++k)
    for (size_t at = 0; at + sizeof(float) <= here[k].size(); at += sizeof(float)) {
      float a, b;
      std::memcpy(&a, there[k].data() + at, sizeof(a));
      std::memcpy(&b, here[k].data() + at, sizeof(b));
      double const difference = std::fabs(double(a) - b) / std::fmax(1e-3, std::fabs(double(b)));
      worst = std::fmax(worst, difference == difference ? difference : INFINITY);
    }
  report("agree_" + name, worst);
  if (!isSmoke && !(worst <= tolerance))
    fail(name + " differs from the processor by " + std::to_string(worst));
  return worst;
}

void Bench::agree() {
  for (const Case &rule : getRules()) {
    Arrays device(*rule.device, {}, 100003, 3, &gpu), host(*rule.host, {}, 100003, 3, nullptr);
    std::vector<double> const hyper = getDefaults(*rule.host);
    for (uint64_t t = 1; t <= 3; ++t) {
      gpu.check(device.call(&gpu.context, hyper.data(), t));
      if (host.call(nullptr, hyper.data(), t) != GRADUS_OK)
        fail(std::string(rule.name) + " is refused by the processor");
    }
    compare(rule.name, device, host, 1e-6);
    gpu.releaseAll();
  }
  std::map<std::string, int64_t> const sizes{{"n", 257}, {"c", 1003}};
  Arrays device(*cross_entropy_grad_cuda_entry(), sizes, 0, 1, &gpu), host(*cross_entropy_grad_entry(), sizes, 0, 1, nullptr);
  gradus_address const address = gpu.allocate(sizeof(gradus_device_report));
  gpu.getDevice()->report = address;
  gpu.check(device.call(&gpu.context, nullptr, 1));
  gpu.getDevice()->report = 0;
  gradus_device_report written{};
  gpu.read(&written, address, sizeof(written));
  gradus_report expected{};
  if (host.call(nullptr, nullptr, 1, &expected) != GRADUS_OK)
    fail("cross_entropy is refused by the processor");
  compare("cross_entropy", device, host, 1e-5);
  report("agree_cross_entropy_value", std::fabs(written.value - expected.value) / std::fabs(expected.value));
  if (!isSmoke && (written.committed != 1 || !(std::fabs(written.value - expected.value) <= 1e-6 * std::fabs(expected.value))))
    fail("the value of cross_entropy differs");
  gpu.releaseAll();
}

void Bench::measureCopy() {
  size_t const bytes = size_t(1) << (isSmoke ? 16 : 30);
  gradus_address const from = gpu.allocate(bytes), to = gpu.allocate(bytes);
  double const seconds = gpu.time(20, [&] { gpu.copy(to, from, bytes); });
  report("copy_gb_per_s", 2e-9 * static_cast<double>(bytes) / seconds);
  gpu.releaseAll();
}

void Bench::measureRules() {
  int64_t const count = int64_t(1) << (isSmoke ? 12 : 28);
  for (const Case &rule : getRules()) {
    Arrays arrays(*rule.device, {}, count, 1, &gpu);
    double const seconds = gpu.time(10, [&] { step(arrays, *rule.device); });
    report(std::string(rule.name) + "_ms", 1e3 * seconds);
    gpu.releaseAll();
  }
}

void Bench::measureMany() {
  int64_t const slots = isSmoke ? 10 : 1000, count = 65536;
  const gradus_entry &entry = *adamw_step_cuda_entry();
  Arrays many(entry, {}, count, static_cast<size_t>(slots), &gpu);
  double const ofMany = gpu.time(10, [&] { step(many, entry); });
  gpu.releaseAll();
  Arrays one(entry, {}, count * slots, 1, &gpu);
  double const ofOne = gpu.time(10, [&] { step(one, entry); });
  report("many_ms", 1e3 * ofMany);
  report("many_as_one_ms", 1e3 * ofOne);
  gpu.releaseAll();
}

void Bench::measureRows() {
  std::map<std::string, int64_t> const sizes{{"n", isSmoke ? 16 : 8192}, {"c", isSmoke ? 100 : 32000}};
  const gradus_entry &entry = *cross_entropy_grad_cuda_entry();
  Arrays arrays(entry, sizes, 0, 1, &gpu);
  report("rows_ms", 1e3 * gpu.time(10, [&] { step(arrays, entry); }));
  gpu.releaseAll();
}

/// A train step of a perceptron by what multiplies now, called and captured.
void Bench::measurePerceptron(const std::string &name) {
  const gradus_entry &entry = *perceptron_step_step_cuda_entry();
  std::map<std::string, int64_t> const sizes{{"n", isSmoke ? 64 : 256}, {"d", isSmoke ? 128 : 784}, {"h", isSmoke ? 64 : 512}, {"c", 10}};
  Arrays device(entry, sizes, 0, 1, &gpu), captured(entry, sizes, 0, 1, &gpu), host(*perceptron_step_step_entry(), sizes, 0, 1, nullptr);
  step(device, entry);
  if (host.call(nullptr, getDefaults(entry).data(), 3) != GRADUS_OK)
    fail("the perceptron is refused by the processor");
  compare(name, device, host, 1e-4);
  gpu.launch(gpu.capture([&] { step(captured, entry); }));
  gpu.wait();
  if (!isSmoke && device.fetch() != captured.fetch())
    fail(name + ": a captured step is another than a called one");
  report(name + "_ms", 1e3 * gpu.time(isSmoke ? 1 : 100, [&] { step(device, entry); }));
  gpu.releaseAll();
}

/// A product of square matrices by what multiplies now.
void Bench::measureProduct(const std::string &name, const gradus_entry &entry) {
  int64_t const size = isSmoke ? 64 : 4096;
  Arrays arrays(entry, {{"n", size}, {"k", size}, {"m", size}}, 0, 1, &gpu);
  double const seconds = gpu.time(isSmoke ? 1 : 10, [&] { step(arrays, entry); });
  report(name + "_tflops", 2e-12 * std::pow(static_cast<double>(size), 3) / seconds);
  gpu.releaseAll();
}

/// Products of matrices by kernels, then by cuBLAS where it is here.
void Bench::measureProducts(const std::string &blas) {
  measurePerceptron("perceptron");
  measureProduct("product", *nn_cuda_entry());
  measureProduct("product_bf16", *nn_bf16_cuda_entry());
  if (gpu.countProducts() > 0)
    fail("cuBLAS was asked though it was not asked for");
  if (!gpu.useBlas(blas, 0))
    return std::printf("products by cuBLAS: not measured, %s\n", gpu.getSaid().c_str()), void();
  auto byLibrary = [&](const std::string &name, int32_t flags, auto &&measure) {
    uint64_t const before = gpu.countProducts();
    if (!gpu.useBlas(blas, flags))
      return fail(name + ": " + gpu.getSaid());
    measure(name);
    if (!isSmoke && gpu.countProducts() == before) // small products are not asked for
      fail(name + " was not computed by cuBLAS");
  };
  byLibrary("perceptron_cublas", 0, [&](const std::string &name) { measurePerceptron(name); });
  struct Layout {
    const char *name;
    const gradus_entry *device, *host;
  };
  const Layout layouts[] = {{"nn", nn_cuda_entry(), nn_entry()},
                            {"nt", nt_cuda_entry(), nt_entry()},
                            {"tn", tn_cuda_entry(), tn_entry()},
                            {"tt", tt_cuda_entry(), tt_entry()},
                            {"nn_bf16", nn_bf16_cuda_entry(), nn_bf16_entry()}};
  for (const Layout &layout : layouts) {
    (void)gpu.useBlas(blas, 0);
    std::map<std::string, int64_t> const sizes{{"n", 192}, {"k", 128}, {"m", 160}};
    Arrays device(*layout.device, sizes, 0, 1, &gpu), host(*layout.host, sizes, 0, 1, nullptr);
    uint64_t const before = gpu.countProducts();
    step(device, *layout.device);
    if (host.call(nullptr, nullptr, 3) != GRADUS_OK || gpu.countProducts() != before + 1)
      fail(std::string(layout.name) + " is not a product of cuBLAS");
    double const tolerance = 5e-3; // sums of 128 products that are next to 0
    if (double const worst = compare(std::string("cublas_") + layout.name, device, host, tolerance); isSmoke && !(worst <= tolerance)) // the fake one multiplies
      fail(std::string(layout.name) + " by cuBLAS differs from the processor by " + std::to_string(worst));
    gpu.releaseAll();
  }
  byLibrary("product_cublas", 0, [&](const std::string &name) { measureProduct(name, *nn_cuda_entry()); });
  byLibrary("product_cublas_tf32", GRADUS_CUDA_BLAS_TF32, [&](const std::string &name) { measureProduct(name, *nn_cuda_entry()); });
  byLibrary("product_bf16_cublas", 0, [&](const std::string &name) { measureProduct(name, *nn_bf16_cuda_entry()); });
}

/// A captured step is replayed with other values of t, and comes to the bits of steps that are called one by one.
void Bench::captureSteps() {
  const gradus_entry &entry = *adamw_step_cuda_entry();
  Arrays called(entry, {}, 1 << 16, 2, &gpu), replayed(entry, {}, 1 << 16, 2, &gpu);
  std::vector<double> const hyper = getDefaults(entry);
  for (uint64_t t = 1; t <= 10; ++t)
    gpu.check(called.call(&gpu.context, hyper.data(), t));
  std::vector<uint64_t> values(2 + hyper.size());
  std::memcpy(values.data() + 2, hyper.data(), hyper.size() * sizeof(double));
  gradus_address const address = gpu.allocate(values.size() * sizeof(uint64_t));
  gpu.getDevice()->values = address;
  void *graph = gpu.capture([&] { gpu.check(replayed.call(&gpu.context, hyper.data(), 1)); });
  gpu.getDevice()->values = 0;
  for (uint64_t t = 1; t <= 10; ++t) {
    values[0] = t;
    gpu.write(address, values.data(), values.size() * sizeof(uint64_t));
    gpu.launch(graph);
  }
  gpu.wait();
  bool const isSame = called.fetch() == replayed.fetch();
  report("graph_has_the_bits_of_calls", isSame);
  if (!isSame && !isSmoke)
    fail("replayed steps are others than called ones");
  report("graph_step_us", 1e6 * gpu.time(isSmoke ? 1 : 200, [&] { gpu.launch(graph); }));
  gpu.releaseAll();
}

int main(int argc, char **argv) {
  std::string driver = "libcuda.so.1", blas, json, only;
  bool isSmoke = false;
  for (int k = 1; k < argc; ++k) {
    std::string const word = argv[k];
    if (word == "--smoke")
      isSmoke = true;
    else if ((word == "--driver" || word == "--blas" || word == "--json" || word == "--only") && k + 1 < argc)
      (word == "--driver" ? driver : word == "--blas" ? blas : word == "--json" ? json : only) = argv[++k];
    else
      return std::fprintf(stderr, "usage: gpu [--driver FILE] [--blas FILE] [--only agree] [--smoke] [--json FILE]\n"), 2;
  }
  try {
    Gpu gpu(driver);
    std::printf("%s, sm_%d\n", gpu.getName().c_str(), static_cast<int>(gpu.getArchitecture()));
    Bench bench(gpu, isSmoke);
    bench.agree();
    bench.captureSteps();
    if (only.empty()) {
      bench.measureCopy();
      bench.measureRules();
      bench.measureMany();
      bench.measureRows();
      bench.measureProducts(blas);
    }
    if (!json.empty())
      std::ofstream(json) << bench.getJson();
    return bench.isGood() ? 0 : 1;
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "gpu: %s\n", problem.what());
    return 2;
  }
}
