//===- Commands.cpp - The table of commands -----------------------------------===//

#include "codegen/driver/Commands.h"

#include "codegen/emit/Version.h"
#include "lang/Messages.h"
#include "runtime/gradus.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

namespace gradus::driver {

static constexpr llvm::StringRef buildDetails =
    "with a device among the targets each entry `e` is also `e_vulkan` and `e_cuda`, over the same structs: SPIR-V for any device of Vulkan 1.2, PTX for the devices from\n"
    "each architecture on, and a cubin for it where ptxas is found. No driver and no toolkit is needed to build. What has no form for devices is an error at its place.\n";

static constexpr llvm::StringRef checkDetails =
    "checks, at points of the sets and intervals that arguments lie in:\n"
    "  gradient     of each loss: reverse mode against forward mode (dual numbers), central differences and complex steps, at random points, at 0,\n"
    "               where all is equal, at 1 and -1, near and far from 0, and at the point that --at gives\n"
    "  Hessian      of each loss without 'stop' and derivatives of one's own: <u, H v> = <v, H u>, and H u by forward mode over forward mode\n"
    "  Jacobian     of each fn that is an entry: <v, J u> = <J' v, u>, one by forward, one by reverse mode, and both against differences\n"
    "  derivative   that a spec writes, and that of each inner problem: against differences of the body wherever it is used. One whose body is constant\n"
    "               piece by piece, or that is written surrogate(..), is reported as a surrogate\n"
    "  prox         and projection: no competitor is better\n"
    "  step         of each rule and train unit: finite, and the same before and after the phases; a gradient that it takes itself against differences\n"
    "a failure names the worst element and the operation or the clause in the spec whose derivative is wrong. What cannot be tried is said, with the\n"
    "reason, and counted.\n"
    "\nlints of --pedantic; a warning has the exit code 0 without --werror, and is silenced by '// allow: NAME (reason)' behind its line or above it:\n"
#define GRADUS_LINT(NAME, FUNCTION, SUMMARY) "  " NAME ": " SUMMARY "\n"
#include "lang/lint/Lints.def"
    ;

static constexpr llvm::StringRef docDetails =
    "writes index.html and a page a spec: the comment, the formulas line by line, arguments with defaults and ranges, states with their storage, what 'build' makes\n"
    "of it in C, the source, the tests, and links between units that use each other. The pages need no script and no network.\n";

static constexpr llvm::StringRef benchDetails =
    "prints for each entry: ns an element (of the parameters, or else of the largest array), the bytes an element if each array is read and written once, those that\n"
    "the loops of its kernels load and store ('-' where they are not counted), GB/s of the former, the time over that of scale in place over as many bytes,\n"
    "and the spread: 80 % of the times lie within, as a share of the median. Entry and scale run in turn, on the same threads. Arrays are normal numbers, what counts\n"
    "or chooses is 0, states are the first ones, hyper-parameters have their defaults. Steps are timed with their guards; --guard=off leaves them out.\n";

static constexpr llvm::StringRef plotDetails =
    "draws, in f64 by the reference evaluator:\n"
    "  schedule    its value at each step; one with states or inputs runs through all steps, and its call gives the inputs, as numbers or\n"
    "              formulas of t, and what states begin with: 'plateau(factor = 0.5, seen = 1 / t)'\n"
    "  fn, loss    of one number: the value, and the derivative that the compiler makes\n"
    "  prox        and projection, of one number: what it makes of it, beside the number itself; a step that the call leaves out is 1\n"
    "  rule        its path over the contours of a test function of two numbers; a rule of matrices gets one of a single row\n"
    "several units of one kind are drawn in one picture. It is readable on light and on dark pages.\n";

static constexpr llvm::StringRef completionDetails =
    "the packages and 'cmake --install' put it where the shells look. By hand:\n"
    "  bash  source <(gradus completion bash)\n"
    "  zsh   gradus completion zsh > FOLDER/_gradus, a folder of $fpath, before compinit\n"
    "  fish  gradus completion fish > ~/.config/fish/completions/gradus.fish\n"
    "offered are commands, options, what may stand behind them, and files that fit: *.grad for specs.\n";

static constexpr ArgumentSpec spec = options::file("SPEC.grad", "grad"), specs = options::file("SPEC.grad ...", "grad");

static constexpr CommandSpec commands[] = {
    {"bench", "time the entries beside the memory's speed", spec, options::bench, "adamw.grad --dim w=1000", "bench adamw.grad --dim w=16777216", runBench,
     benchDetails},
    {"build", "compile to an archive, a C and a C++ header, a manifest and a depfile", spec, options::build, "adamw.grad", "build adamw.grad -o out", runBuild,
     buildDetails},
    {"check", "types and shapes, then everything that has a derivative against what shares no code with it", spec, options::check, "logistic.grad",
     "check logistic.grad --at 'w=[0, 0, 1]'", runCheck, checkDetails},
    {"completion", "print what makes a shell complete commands, options and values", options::oneOf("bash|fish|zsh"), {}, "bash", "completion bash",
     runCompletion, completionDetails},
    {"doc", "a reference of specs as HTML, with their formulas", options::file("[SPEC.grad ...]", "grad"), options::doc, "", "doc adamw.grad logistic.grad -o reference",
     runDoc, docDetails},
    {"emit", "print the program after a phase", spec, options::emit, "adamw.grad", "emit adamw.grad --stage=fuse", runEmit},
    {"explain", "kernels, bytes and flops per element, what was fused and why not", spec, options::explain, "adamw.grad", "explain adamw.grad", runExplain},
    {"fmt", "rewrite specs in the canonical form", specs, options::fmt, "adamw.grad", "fmt adamw.grad", runFmt},
    {"grad", "print the gradient of a loss as Gradus source, LaTeX or C99", spec, options::grad, "logistic.grad", "grad logistic.grad --wrt w", runGrad},
    {"help", "say what a command does and takes", {"[COMMAND]", Accepts::Command}, {}, "build", "help build", runHelp},
    {"lsp", "serve an editor on standard input and output: messages as you type, types, definitions, completion, layout", {}, options::lsp, "", "lsp", runLsp},
    {"plot", "draw schedules, functions with their derivatives, proxes, or the paths of rules", specs, options::plot, "adam.grad",
     "plot adam.grad sgd.grad --of 'adam(lr = 0.1), sgd(lr = 1e-3)' --on rosenbrock -o paths.svg", runPlot, plotDetails},
    {"run", "train a unit on CSV data", spec, options::run, "digits.grad --unit softmax --data digits.csv --steps 2",
     "run digits.grad --unit softmax --data digits.csv --batch 64 --plot loss.svg", runRun},
    {"test", "run the test blocks in f64, evaluated and compiled; fails where none ran", specs, options::test, "adamw.grad", "test adamw.grad", runTest},
};

llvm::ArrayRef<CommandSpec> getCommands() { return commands; }

static void printCodes(llvm::raw_ostream &os) {
  for (Code code : getCodes())
    os << codeName(code) << "  " << codeTitle(code) << '\n';
}

static void printVersion(llvm::raw_ostream &os) {
  os << "gradus " << gradusVersion << "\nLLVM " << LLVM_VERSION_STRING << "\nABI " << GRADUS_ABI_VERSION << "\nmanifest schema "
     << manifestSchemaVersion << '\n';
}

static constexpr ToolOption toolOptions[] = {
    {options::option("--codes", {}, "the codes of messages"), printCodes},
    {options::option("--commands", {}, "the table of commands and options as JSON, for programs"), printTable},
    {options::option("--help", {}, "this").withAlias("-h"), printToolHelp},
    {options::option("--man", {}, "the manual page, for man and groff"), printManual},
    {options::option("--version", {}, "the versions of the tool, LLVM, the ABI and the manifest schema"), printVersion},
};

llvm::ArrayRef<ToolOption> getToolOptions() { return toolOptions; }

int runHelp(const Invocation &invocation) {
  if (invocation.inputs.empty()) {
    printToolHelp(llvm::outs());
    return ExitOk;
  }
  const CommandSpec *command = findCommand(invocation.inputs.front());
  if (!command)
    return ExitUsage;
  printCommandHelp(llvm::outs(), *command);
  return ExitOk;
}

} // namespace gradus::driver
