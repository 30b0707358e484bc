/** Prints the version and the platform of a Python, a line each: implementation and libc decide which wheels fit too. */
export const describeScript = `
import platform, sys, sysconfig
if sys.version_info < (3, 10): sys.exit("it is Python " + platform.python_version())
print(platform.python_version())
print(" ".join([sys.implementation.name, sysconfig.get_platform(), *platform.libc_ver()]).strip())
`;

/**
 * Builds a virtual environment: arguments are its folder, the requirements, the digest and the name of the mark. \`flock\` is of the system: a
 * builder that was killed holds it no more. Standard input is a pipe of the parent's: when it closes, the builder and its pip are ended.
 */
export const buildScript = `
import fcntl, glob, json, os, shutil, signal, subprocess, sys, threading, platform
folder, requirements, digest, mark = sys.argv[1:]

def end_with_parent():
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=end_with_parent, daemon=True).start()

def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL)
    if done.returncode != 0: sys.exit(done.returncode)

lock = open(folder + ".lock", "a")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print("waiting for another process that builds the same environment", flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)

python = os.path.join(folder, "bin", "python")
if os.path.exists(os.path.join(folder, mark)) and os.path.exists(python): sys.exit(0)
shutil.rmtree(folder, ignore_errors=True)
try:
    import ensurepip
except ImportError:
    sys.exit("this Python lacks the module ensurepip: install the package python3-venv of your system")
# pip straight from the wheel that Python ships: to install it first takes longer than most packages. Some systems keep the wheel elsewhere.
wheels = glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl"))
# By its own path: the venv module of a shim would link to the shim.
run(sys.executable, "-I", "-m", "venv", *(["--without-pip"] if wheels else []), folder)
pip = [os.path.join(wheels[0], "pip")] if wheels else ["-m", "pip"]
run(python, "-I", *pip, "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off",
    "--require-hashes", "--only-binary", ":all:", "-r", requirements)
listed = subprocess.run([python, "-I", "-c", """
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"].lower().replace("_", "-"): d.version for d in m.distributions()}, sort_keys=True))
"""], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
made = {"python": platform.python_version(), "digest": digest, "packages": json.loads(listed.stdout)}
path = os.path.join(folder, mark)
with open(path + ".part", "w") as file:
    json.dump(made, file)
    file.flush()
    os.fsync(file.fileno())
os.rename(path + ".part", path)
`;
