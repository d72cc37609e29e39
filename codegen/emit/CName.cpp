//===- CName.cpp - Names of a spec in C ---------------------------------------===//

#include "codegen/emit/CName.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace gradus {

std::string toCName(StringRef name) {
  std::string result;
  for (unsigned char c : name.bytes()) {
    // Every byte of a character outside ASCII, so that Greek letters stay apart: "_ce_b2".
    if (c >= 0x80)
      result += "_" + llvm::utohexstr(c, /*LowerCase=*/true, /*Width=*/2);
    else
      result += llvm::isAlnum(c) ? static_cast<char>(c) : '_';
  }
  return result;
}

/// The keywords of C99 to C++26, and `main`.
static bool isKeyword(StringRef name) {
  static constexpr StringRef words[] = {
      "alignas",    "alignof",   "and",       "and_eq",       "asm",      "auto",      "bitand",        "bitor",
      "bool",       "break",     "case",      "catch",        "char",     "class",     "co_await",      "co_return",
      "co_yield",   "compl",     "concept",   "const",        "consteval", "constexpr", "constinit",    "const_cast",
      "continue",   "decltype",  "default",   "delete",       "do",       "double",    "dynamic_cast",  "else",
      "enum",       "explicit",  "export",    "extern",       "false",    "float",     "for",           "friend",
      "goto",       "if",        "inline",    "int",          "long",     "main",      "mutable",       "namespace",
      "new",        "noexcept",  "not",       "not_eq",       "nullptr",  "operator",  "or",            "or_eq",
      "private",    "protected", "public",    "register",     "reinterpret_cast", "requires", "restrict", "return",
      "short",      "signed",    "sizeof",    "static",       "static_assert", "static_cast", "struct", "switch",
      "template",   "this",      "thread_local", "throw",     "true",     "try",       "typedef",       "typeid",
      "typename",   "typeof",    "union",     "unsigned",     "using",    "virtual",   "void",          "volatile",
      "wchar_t",    "while",     "xor",       "xor_eq"};
  return llvm::is_contained(words, name);
}

/// Macros of common headers and compilers, which replace a name wherever it stands.
static bool isMacro(StringRef name) {
  static constexpr StringRef words[] = {"EOF", "HUGE_VAL", "I", "INFINITY", "NAN", "NULL", "complex", "errno", "imaginary", "linux", "stderr", "stdin",
                                        "stdout", "unix"};
  return llvm::is_contained(words, name) || name.starts_with("GRADUS_");
}

/// Functions of C and POSIX: what LLVM knows of them, since it treats a call by such a name as a call of the library, and a few more.
static bool isLibraryFunction(StringRef name) {
  static constexpr StringRef words[] = {"abort", "atexit", "clock", "exit", "gamma", "index", "j0", "j1", "jn", "lgamma", "raise", "rand", "select",
                                        "signal", "sleep", "srand", "time", "wait", "y0", "y1", "yn"};
  LibFunc known;
  return llvm::is_contained(words, name) || TargetLibraryInfoImpl(Triple("x86_64-unknown-linux-gnu")).getLibFunc(name, known);
}

static bool isTypeOrNamespace(StringRef name) {
  static constexpr StringRef words[] = {"FILE", "int16_t", "int32_t", "int64_t", "int8_t", "ptrdiff_t", "size_t", "std", "time_t", "uint16_t", "uint32_t",
                                        "uint64_t", "uint8_t"};
  return llvm::is_contained(words, name);
}

std::string toIdentifier(StringRef name) {
  std::string result = toCName(name);
  // At file scope names that begin with '_' are the implementation's, and so are they here for simplicity.
  if (result.empty() || llvm::isDigit(result.front()) || result.front() == '_')
    result = "n" + result;
  // A member that is called as a type of gradus.h would change what the type means behind it.
  bool isTaken = isKeyword(result) || isMacro(result) || StringRef(result).starts_with("gradus_");
  return isTaken ? result + "_" : result;
}

std::vector<std::string> getClaimedNames(StringRef symbol) {
  std::vector<std::string> names;
  for (StringRef suffix : {"", "_defaults", "_entry", "_hyper", "_slot", "_workspace"})
    names.push_back((symbol + suffix).str());
  return names;
}

std::string findMeaningInC(StringRef identifier) {
  if (identifier == "main")
    return "the start of the program";
  if (isKeyword(identifier))
    return "a word of C or C++";
  if (isMacro(identifier))
    return "a macro of C";
  if (isTypeOrNamespace(identifier))
    return "a type or a namespace of C or C++";
  if (identifier == "gradus" || identifier.starts_with("gradus_"))
    return "reserved for the runtime";
  // The bases of the classes in gradus.hpp.
  if (identifier == "DeviceKernel" || identifier == "Kernel" || identifier == "NoHyper" || identifier == "NoSlot")
    return "a class of gradus.hpp";
  return isLibraryFunction(identifier) ? "a function of the C library" : "";
}

} // namespace gradus
