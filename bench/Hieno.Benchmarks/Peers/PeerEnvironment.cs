using System.Runtime.Intrinsics.X86;

namespace Hieno.Benchmarks.Peers;

/// <summary>The environment PyTorch runs in. It decides a factor of two, so it is stated whole and nothing is inherited.</summary>
/// <param name="Name">The peer's name in the tables.</param>
/// <param name="Variables">Every variable the peer gets, besides those of <see cref="Inherited"/>.</param>
/// <param name="BlasFolder">Where its BLAS must come from, or null for wherever the system's default is.</param>
internal sealed record PeerEnvironment(string Name, IReadOnlyDictionary<string, string> Variables, string? BlasFolder)
{
    /// <summary>The package with the OpenBLAS that shares PyTorch's own OpenMP threads.</summary>
    public const string OpenBlasPackage = "libopenblas0-openmp";

    /// <summary>
    /// What a program needs to run at all. Everything else stays outside: one OPENBLAS_CORETYPE or
    /// OMP_NUM_THREADS set on the machine for another reason would make the peer slow and us look fast.
    /// </summary>
    public static IReadOnlyList<string> Inherited { get; } = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"];

    /// <summary>PyTorch as installed, with the thread count set and nothing else.</summary>
    public static PeerEnvironment Stock { get; } = new("torch-stock", new Dictionary<string, string>(), BlasFolder: null);

    /// <summary>PyTorch at its best on a CPU, as far as settings go.</summary>
    /// <exception cref="BenchmarkException">The OpenMP build of OpenBLAS is not installed.</exception>
    public static PeerEnvironment Tuned(int threads)
    {
        string blas = FindOpenBlas();
        Dictionary<string, string> variables = new()
        {
            // One pool of threads. The default build of OpenBLAS brings its own, and the two fight for the processors.
            ["LD_LIBRARY_PATH"] = blas,
            ["OMP_NUM_THREADS"] = $"{threads}",
            ["OPENBLAS_NUM_THREADS"] = $"{threads}",

            // Large blocks stay with the process between steps, and on huge pages: no page faults in a warm step.
            ["MALLOC_MMAP_THRESHOLD_"] = $"{8L << 30}",
            ["MALLOC_TRIM_THRESHOLD_"] = $"{16L << 30}",
            ["MALLOC_TOP_PAD_"] = $"{256L << 20}",
            ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1",
        };
        if (Avx512F.IsSupported)
        {
            // Left alone, this PyTorch takes AVX2 for its own kernels; SkylakeX is OpenBLAS's AVX-512 float32 core.
            variables["ATEN_CPU_CAPABILITY"] = "avx512";
            variables["OPENBLAS_CORETYPE"] = "SkylakeX";
        }

        return new PeerEnvironment("torch-tuned", variables, blas);
    }

    /// <summary>The same, held to vectors of 256 bits: Haswell is OpenBLAS's AVX2 core.</summary>
    public PeerEnvironment WithVectors256() => this with
    {
        Variables = new Dictionary<string, string>(Variables) { ["ATEN_CPU_CAPABILITY"] = "avx2", ["OPENBLAS_CORETYPE"] = "Haswell" },
    };

    private static string FindOpenBlas()
    {
        const string Root = "/usr/lib"; // Debian: /usr/lib/<architecture>/openblas-openmp
        IEnumerable<string> found =
            from architecture in Directory.Exists(Root) ? Directory.GetDirectories(Root) : []
            let folder = Path.Combine(architecture, "openblas-openmp")
            where File.Exists(Path.Combine(folder, "libblas.so.3"))
            select folder;
        return found.FirstOrDefault() ?? throw new BenchmarkException(
            ExitCode.Usage,
            $"PeerEnvironment: no {Root}/*/openblas-openmp/libblas.so.3. Install the Debian package {OpenBlasPackage}, or compare with --peer stock.");
    }
}
