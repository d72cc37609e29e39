//===- MathJit.h - Runs one vector math function --------------------------------===//
//
// Compiles out[i] = f(x[i], y[i]) for one function, element type, width and instruction set.
//
//===----------------------------------------------------------------------------===//

#ifndef GRADUS_TEST_CODEGEN_CPU_MATHJIT_H
#define GRADUS_TEST_CODEGEN_CPU_MATHJIT_H

#include "codegen/cpu/VectorMath.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gradus {
class Jit;
} // namespace gradus

namespace gradus::test {

/// How a function is compiled.
struct MathVariant {
  MathFunction function;
  int width = 32;          ///< bits of an element: 32 or 64
  int lanes = 16;          ///< 1: a scalar
  std::string cpu = "x86-64-v3";
  bool constantPower = false; ///< IntPow with the exponent as a constant
  int64_t power = 0;          ///< IntPow: the exponent
};

/// A compiled function; it owns its code.
class CompiledMath {
public:
  static std::unique_ptr<CompiledMath> compile(const MathVariant &variant);
  ~CompiledMath();

  /// Sizes are multiples of the lanes. `y` is read where isBinary.
  template <typename T>
  std::vector<T> operator()(const std::vector<T> &x, const std::vector<T> &y = {}) const {
    std::vector<T> out(x.size());
    for (size_t i = 0; i < x.size(); i += lanes)
      call(&x[i], y.empty() ? nullptr : &y[i], &out[i], power);
    return out;
  }

private:
  CompiledMath();
  std::unique_ptr<Jit> jit;
  void (*call)(const void *x, const void *y, void *out, int64_t n) = nullptr;
  int lanes = 0;
  int64_t power = 0;
};

/// Whether the function takes two floats.
bool isBinary(MathFunction function);

/// Whether this machine runs code for the x86-64 level.
bool machineHas(const std::string &cpu);

} // namespace gradus::test

#endif // GRADUS_TEST_CODEGEN_CPU_MATHJIT_H
