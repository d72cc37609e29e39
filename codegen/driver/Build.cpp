//===- Build.cpp - gradus build ------------------------------------------------===//

#include "codegen/driver/BuildTargets.h"
#include "codegen/driver/Commands.h"
#include "codegen/driver/DeviceProgram.h"
#include "codegen/driver/Session.h"
#include "codegen/emit/Version.h"
#include "codegen/emit/Writers.h"
#include "codegen/gpu/Ptx.h"
#include "lang/Frontend.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

#include <set>

using namespace mlir;

namespace gradus::driver {

static int fail(Session &session, const std::string &text) {
  if (!session.report() && !text.empty())
    llvm::errs() << "gradus: error: " << text << '\n';
  return ExitFailed;
}

/// What `--in-place` has named, sorted.
static std::string describeInPlace(const Invocation &invocation) {
  std::vector<std::string> given = invocation.getAll("--in-place");
  std::set<std::string> names(given.begin(), given.end());
  return names.empty() ? "" : " in-place=" + llvm::join(names, ",");
}

/// The flags that decide the code, in a fixed order: they are part of the content hash.
static std::string describeFlags(const Invocation &invocation, const BuildTargets &targets, ArrayRef<std::string> hostOnly) {
  return "dtype=" + invocation.get("--dtype") + " target=" + targets.describe() + " fp=" + invocation.get("--fp") +
         " guard=" + invocation.get("--guard", "by-unit") + (invocation.has("--no-fuse") ? " no-fuse" : "") + (invocation.has("--zero-grads") ? " zero-grads" : "") +
         (hostOnly.empty() ? "" : " host-only=" + llvm::join(hostOnly, ",")) + describeInPlace(invocation);
}

/// The functions that `--host-only` names, by their names in the spec or in C. False, with `error`, where there is no such entry or none is left for the devices.
static bool readHostOnly(const Invocation &invocation, ModuleOp module, const BuildTargets &targets, std::vector<std::string> &hostOnly, std::string &error) {
  std::vector<std::string> names;
  for (FuncOp func : module.getOps<FuncOp>())
    names.push_back(func.getSymName().str());
  for (const std::string &value : invocation.getAll("--host-only")) {
    auto at = llvm::find_if(names, [&](const std::string &name) { return name == value || toCName(name) == value; });
    if (at == names.end())
      error = "'--host-only' expects an entry, but got '" + value + "'; the spec has " + llvm::join(names, ", ");
    else if (!llvm::is_contained(hostOnly, *at))
      hostOnly.push_back(*at);
  }
  llvm::sort(hostOnly);
  if (error.empty() && !hostOnly.empty() && !targets.hasDevices())
    error = "'--host-only' is for builds with a device among the targets: --target=vulkan, nvptx:sm_80";
  if (error.empty() && hostOnly.size() == names.size())
    error = "'--host-only' leaves no entry for the devices";
  return error.empty();
}

/// Why a spec of this name would have headers that cannot be used; empty if they can.
static std::string refuseName(llvm::StringRef name, llvm::StringRef prefix) {
  if (prefix.empty() && !name.empty() && llvm::isDigit(name[0]))
    return "its headers define a macro of the name, which cannot begin with a digit; rename the file or give a '--prefix'";
  for (const char *header : {"gradus", "gradus_checkpoint", "gradus_cuda", "gradus_device", "gradus_dlpack", "gradus_lapack", "gradus_openmp", "gradus_vulkan"})
    if (name == header)
      return "the runtime has a header '" + name.str() + ".h', which the new one would hide; rename the file";
  return "";
}

/// Adds the host program of the entries on devices, which is proved to be one that a graph can record.
static bool linkHostProgram(llvm::Module &code, ModuleOp host, const Artifact &artifact, llvm::TargetMachine &machine, std::string &error) {
  std::unique_ptr<llvm::Module> program = translateToLLVM(host, code.getContext(), machine);
  std::vector<std::string> kernels;
  for (const ArtifactEntry &entry : artifact.entries)
    if (!entry.devices.empty())
      kernels.push_back(entry.getKernelName(entry.devices.front()));
  if (!program || !proveCapturable(*program, kernels, error))
    return false;
  if (!llvm::Linker::linkModules(code, std::move(program)))
    return true;
  error = "internal: the host program of the entries on devices cannot be linked";
  return false;
}

/// The object of the artifact; empty, with `error`, on failure. `host` may be null.
static llvm::SmallVector<char, 0> compile(ModuleOp module, ModuleOp host, const Artifact &artifact, const CpuTargets &targets, std::string &error) {
  std::unique_ptr<llvm::TargetMachine> machine = targets.targets.front().createMachine(error);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = machine ? translateToLLVM(module, context, *machine) : nullptr;
  if (!code || (host && !linkHostProgram(*code, host, artifact, *machine, error)) || !addEntryTable(*code, artifact, error))
    return {};
  if (targets.isChosenAtRunTime())
    leaveToCopies(*code);
  optimize(*code, *machine);
  if (targets.isChosenAtRunTime()) {
    std::vector<std::string> kernels;
    for (const ArtifactEntry &entry : artifact.entries)
      kernels.push_back(entry.layout.getKernelName());
    addDispatch(*code, kernels, targets);
  }
  return emitMachineCode(*code, *machine, /*asAssembly=*/false, error).value_or(llvm::SmallVector<char, 0>());
}

/// Cubins are what an assembler made that the flags do not name, of one version or another, or that was not there: their bytes count too.
static uint64_t hashWithCubins(uint64_t content, const DeviceCode &code) {
  auto isCubin = [](const DeviceImage &image) { return image.kind == GRADUS_IMAGE_CUBIN; };
  return llvm::none_of(code.images, isCubin) ? content : llvm::xxh3_64bits(std::to_string(content) + " " + std::to_string(code.getContent()));
}

/// Runs all phases; where there are devices, their entries are compiled on the way. False, with what is wrong on stderr or in `error`.
static bool lowerAll(Session &session, const Invocation &invocation, const BuildTargets &targets, Artifact &artifact, std::optional<DeviceProgram> &program,
                     std::string &error) {
  PhaseOptions const options = getPhaseOptions(invocation);
  if (!targets.hasDevices())
    return session.runPhases(Phase::Lower, options);
  if (!session.runPhases(Phase::Fuse, options))
    return false;
  std::string const ptxas = invocation.has("--ptxas") ? invocation.get("--ptxas") : findPtxas();
  program = compileForDevices(session, session.getModule(), artifact.options.hostOnly, {targets.vulkan, targets.nvptx, ptxas == "none" ? "" : ptxas}, error);
  if (!program) {
    session.report();
    if (error.empty()) // what has no form was said at its place
      llvm::errs() << "gradus: note: '--host-only ENTRY' builds that entry for the CPU alone\n";
    return false;
  }
  for (const std::string &note : program->notes)
    llvm::outs() << artifact.options.name << ": " << note << '\n';
  artifact.device = program->code;
  artifact.content = hashWithCubins(artifact.content, program->code);
  return session.runPhasesAfter(Phase::Fuse, Phase::Lower, options);
}

int runBuild(const Invocation &invocation) {
  if (invocation.inputs.size() != 1)
    return usageError("'gradus build' expects one spec");
  const std::string &spec = invocation.inputs[0];
  std::string prefix = invocation.get("--prefix");
  if (!prefix.empty() && (llvm::isDigit(prefix[0]) || !llvm::all_of(prefix, [](char c) { return llvm::isAlnum(c) || c == '_'; })))
    return usageError("'--prefix' expects letters, digits and '_', no digit first, but got '" + prefix + "'");
  std::string error;
  std::optional<BuildTargets> targets = BuildTargets::parse(invocation.get("--target"), error);
  if (!targets)
    return usageError("'--target' " + error);
  std::string name = llvm::sys::path::stem(spec).str();
  if (std::string reason = refuseName(name, prefix); !reason.empty()) {
    llvm::errs() << "gradus: error: '" << spec << "' cannot be built under this name: " << reason << '\n';
    return ExitFailed;
  }
  Session session;
  ModuleOp module = session.load(spec, invocation.get("--dtype"), invocation);
  if (!module)
    return ExitFailed;
  session.keepEntries();
  if (!session.addGradients() || !session.replaceInPlace(invocation) || !session.completeSteps(invocation))
    return ExitFailed;
  if (auto unbound = module->getAttrOfType<LocationAttr>(unboundAttribute); unbound && module.getOps<FuncOp>().empty()) {
    mlir::emitError(mlir::Location(unbound)) << module->getAttrOfType<StringAttr>(unboundReasonAttribute).getValue()
                                             << " has code only where a train unit binds it: train t = minimize .. over .. with ..";
    return fail(session, "");
  }
  if (module.getOps<FuncOp>().empty())
    return fail(session, "'" + spec + "' has nothing to compile: expected a loss, rule, schedule, train unit, or a fn with declared shapes");

  std::vector<std::string> hostOnly;
  if (!readHostOnly(invocation, module, *targets, hostOnly, error))
    return usageError(error);
  FailureOr<Artifact> artifact =
      describeArtifact(module, {name, prefix, describeFlags(invocation, *targets, hostOnly), targets->getNames(), targets->getDevices(), hostOnly});
  if (failed(artifact))
    return fail(session, "the artifact cannot be described");
  std::optional<DeviceProgram> program;
  if (!lowerAll(session, invocation, *targets, *artifact, program, error) || failed(convertToLLVMDialect(module)))
    return fail(session, error.empty() ? "'" + spec + "' cannot be compiled" : error);

  llvm::SmallVector<char, 0> object = compile(module, program ? *program->host : ModuleOp(), *artifact, targets->cpu, error);
  if (object.empty())
    return fail(session, error);
  std::string archive = renderArchive(name + ".o", StringRef(object.data(), object.size()), error);
  if (!error.empty())
    return fail(session, error);

  std::string folder = invocation.get("-o");
  auto pathOf = [&](StringRef ending) {
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, name + ending);
    return std::string(path);
  };
  std::vector<OutputFile> files = {
      {pathOf(".a"), std::move(archive)},
      {pathOf(".h"), renderHeader(*artifact)},
      {pathOf(".hpp"), renderCppHeader(*artifact)},
      {pathOf(".json"), renderManifest(*artifact)},
  };
  std::vector<std::string> outputs;
  for (const OutputFile &file : files)
    outputs.push_back(file.path);
  files.push_back({pathOf(".d"), renderDepfile(outputs, session.getFiles())});
  return writeFiles(files, error) ? ExitOk : fail(session, error);
}

} // namespace gradus::driver
