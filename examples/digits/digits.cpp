// Trains softmax regression and a two-layer perceptron on handwritten digits with kernels compiled from digits.grad.
//
//   digits DATA.csv [--checkpoints DIR] [--fresh] [--steps N] [--validate]
//
// The first 1,437 images train, the last 360 test. Five seeds; each run writes a checkpoint every 100 steps and at its end into DIR
// (default: the current folder), and takes one up that it finds there; --fresh starts anew. Ctrl-C stops between two steps; the last
// whole checkpoint stays. --validate trains on the first 1,237 images and measures on the next 200: of three rates for each
// model (0.005, 0.02, 0.05 and 0.003, 0.01, 0.03) digits.grad has the one that was best there.

#include "Model.h"

#include "digits.h"
#include "gradus_openmp.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

static volatile std::sig_atomic_t stopRequested = 0;

static constexpr uint64_t seeds[] = {1, 2, 3, 4, 5};
static constexpr int64_t batchSize = 64;
static constexpr int64_t trainRows = 1437, validationRows = 200;

struct Options {
  std::string data, checkpoints = ".";
  bool fresh = false, validate = false;
  uint64_t steps = 1500;
};

struct Task {
  const char *name;
  Entries entries;
  std::map<std::string, int64_t> sizes;
};

static bool parseOptions(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--fresh")
      options.fresh = true;
    else if (word == "--validate")
      options.validate = true;
    else if (word == "--checkpoints" && i + 1 < argc)
      options.checkpoints = argv[++i];
    else if (word == "--steps" && i + 1 < argc)
      options.steps = std::strtoull(argv[++i], nullptr, 10);
    else if (word[0] != '-' && options.data.empty())
      options.data = word;
    else
      return false;
  }
  return !options.data.empty() && options.steps > 0;
}

/// A progress line that overwrites itself on a terminal, and is one line at the end elsewhere.
static void showProgress(const char *name, uint64_t seed, uint64_t t, uint64_t steps, double loss) {
  bool isTerminal = isatty(STDOUT_FILENO);
  if (isTerminal ? t % 20 == 0 || t == steps : t == steps)
    std::printf("%s%s: seed %llu: step %llu of %llu, loss %.4f%s", isTerminal ? "\r\033[K" : "", name,
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(t), static_cast<unsigned long long>(steps), loss,
                isTerminal && t < steps ? "" : "\n");
  std::fflush(stdout);
}

/// Trains one seed; false on an error, which the context has reported.
static bool train(const gradus_context &context, const Task &task, const Options &options, const Digits &digits, uint64_t seed,
                  const Digits &held, double &accuracy) {
  Model model(context, task.entries, task.sizes, seed);
  std::string path = options.checkpoints + "/" + task.name + "-" + std::to_string(seed) + ".checkpoint";
  if (!options.fresh && access(path.c_str(), F_OK) == 0) {
    if (model.load(path) != GRADUS_OK)
      return false;
    std::printf("%s: seed %llu: resumed after step %llu\n", task.name, static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(model.stepsDone()));
  }
  const uint64_t batches = static_cast<uint64_t>(digits.size() / batchSize);
  std::vector<int64_t> order;
  uint64_t orderOf = UINT64_MAX;
  while (model.stepsDone() < options.steps && !stopRequested) {
    uint64_t epoch = model.stepsDone() / batches;
    if (epoch != orderOf)
      order = shuffled(digits.size(), seed, orderOf = epoch);
    double loss = 0;
    if (model.step(digits.pick(order, static_cast<int64_t>(model.stepsDone() % batches) * batchSize, batchSize), loss) != GRADUS_OK)
      return false;
    showProgress(task.name, seed, model.stepsDone(), options.steps, loss);
    bool isLast = model.stepsDone() == options.steps;
    if ((model.stepsDone() % 100 == 0 || isLast) && model.save(path) != GRADUS_OK)
      return false;
  }
  return model.accuracy(held, accuracy) == GRADUS_OK;
}

int main(int argc, char **argv) {
  Options options;
  if (!parseOptions(argc, argv, options)) {
    std::fprintf(stderr, "usage: digits DATA.csv [--checkpoints DIR] [--fresh] [--steps N] [--validate]\n");
    return 2;
  }
  std::string error;
  Digits all = readDigits(options.data, error);
  if (all.size() < trainRows + 1) {
    std::fprintf(stderr, "digits: error: %s\n", error.empty() ? "too few rows" : error.c_str());
    return 1;
  }
  if (mkdir(options.checkpoints.c_str(), 0777) != 0 && errno != EEXIST) {
    std::perror("digits: error: cannot make the folder for checkpoints");
    return 1;
  }
  std::signal(SIGINT, [](int) { stopRequested = 1; });

  int64_t cut = options.validate ? trainRows - validationRows : trainRows;
  Digits training = all.slice(0, cut), held = all.slice(cut, options.validate ? trainRows : all.size());
  gradus_context context = gradus_openmp_context();
  context.error = [](void *, const gradus_error *e) { std::fprintf(stderr, "digits: error: %s\n", e->message); };

  const Task tasks[] = {
      {"softmax_regression", {softmax_init_entry(), softmax_step_entry(), softmax_predict_entry()}, {{"d", 64}, {"c", 10}}},
      {"perceptron", {mlp_init_entry(), mlp_step_entry(), mlp_predict_entry()}, {{"d", 64}, {"h", 128}, {"c", 10}}},
  };
  std::string summary;
  for (const Task &task : tasks) {
    double sum = 0;
    for (uint64_t seed : seeds) {
      double accuracy = 0;
      if (!train(context, task, options, training, seed, held, accuracy))
        return 1;
      if (stopRequested) {
        std::printf("\nstopped; run again to go on from the last checkpoint\n");
        return 130;
      }
      std::printf("%s: seed %llu: %s accuracy %.3f\n", task.name, static_cast<unsigned long long>(seed),
                  options.validate ? "validation" : "test", accuracy);
      sum += accuracy;
    }
    char line[128];
    std::snprintf(line, sizeof line, "%s: mean %s accuracy %.3f\n", task.name, options.validate ? "validation" : "test",
                  sum / static_cast<double>(std::size(seeds)));
    summary += line;
  }
  std::fputs(summary.c_str(), stdout);
  return 0;
}
