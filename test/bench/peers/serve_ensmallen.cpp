//===- serve_ensmallen.cpp - Steps of an update policy of ensmallen on request ----===//
//
// serve_ensmallen RULE N. Compiled by `peers` where ensmallen's and Armadillo's headers are found.
//
//===----------------------------------------------------------------------------===//

#define ARMA_DONT_USE_WRAPPER
#include <ensmallen.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

template <typename Update>
int serve(Update update, double stepSize, size_t count) {
  arma::fmat parameter(count, 1, arma::fill::randn), gradient(count, 1, arma::fill::randn);
  parameter *= 0.02F;
  typename Update::template Policy<arma::fmat, arma::fmat> policy(update, count, 1);
  policy.Update(parameter, stepSize, gradient);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    auto start = std::chrono::steady_clock::now();
    policy.Update(parameter, stepSize, gradient);
    auto taken = std::chrono::steady_clock::now() - start;
    std::cout << std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count() << std::endl;
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  std::string const rule = argv[1];
  size_t const count = std::strtoull(argv[2], nullptr, 10);
  if (rule == "adadelta")
    return serve(ens::AdaDeltaUpdate(0.95, 1e-6), 1.0, count);
  if (rule == "adagrad")
    return serve(ens::AdaGradUpdate(1e-10), 0.01, count);
  if (rule == "adam")
    return serve(ens::AdamUpdate(1e-8, 0.9, 0.999), 1e-3, count);
  if (rule == "momentum")
    return serve(ens::MomentumUpdate(0.9), 1e-3, count);
  if (rule == "nadam")
    return serve(ens::NadamUpdate(1e-8, 0.9, 0.999), 2e-3, count);
  if (rule == "rmsprop")
    return serve(ens::RMSPropUpdate(1e-8, 0.99), 0.01, count);
  if (rule == "sgd")
    return serve(ens::VanillaUpdate(), 1e-3, count);
  std::cout << "ensmallen has no " << rule << std::endl;
  return 1;
}
