namespace Hieno.Advice;

/// <summary>How much memory the machine, or the container around the program, has free.</summary>
internal static class FreeMemory
{
    /// <summary>Bytes that can be had without another program's having to give any up.</summary>
    public static long Bytes()
    {
        GC.Collect(0); // the figures are those of the last collection; before the first one there are none
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes);
    }
}
