# lit: `.mlir` and `.grad` files carry their RUN lines; a folder may add suffixes in a lit.local.cfg.
import os
import lit.formats
from lit.llvm import llvm_config

config.name = "gradus"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["lit.cfg.py", "CMakeLists.txt", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.gradus_obj_root, "test")
config.substitutions.append(("%src", config.gradus_src_root))
config.substitutions.append(("%build", config.gradus_obj_root))

llvm_config.use_default_substitutions()
tools = os.path.join(config.gradus_obj_root, "bin")
llvm_config.add_tool_substitutions(["gradus-opt"], [tools, config.llvm_tools_dir])
llvm_config.with_environment("PATH", [tools, config.llvm_tools_dir], append_path=True)
