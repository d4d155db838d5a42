using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.Intrinsics.X86;

namespace Hieno.Tensors.Cpu;

/// <summary>The work of one parallel run: a value type, so that starting it allocates nothing.</summary>
internal interface IJob
{
    /// <summary>Does task number <paramref name="task"/> on worker number <paramref name="worker"/> (0 is the caller).</summary>
    void Run(int task, int worker);
}

/// <summary>
/// Threads that live as long as the backend and share out the tasks of one run after another. A worker without work spins for a short
/// while, because the next run usually comes within microseconds. Then it waits a few milliseconds more, but lets every other thread of
/// the machine go first; then it sleeps.
/// </summary>
/// <remarks>
/// Waking a sleeper takes some 50 µs, and now and then 4 ms, when the system queues it behind the busy thread that woke it: as long as a
/// product of 512 rows. The middle stage spares that to work which comes in small portions.
/// A run ends when all tasks are done, not when all threads have arrived: a thread that the operating system has not woken yet holds
/// nobody up, the caller simply does its share too. What a task computes never depends on which worker did it, so results are the same
/// for any number of threads.
/// </remarks>
internal sealed class WorkerTeam : IDisposable
{
    private const int SpinRounds = 4000; // about 90 µs
    private static readonly long s_longestWait = Stopwatch.Frequency / 200; // 5 ms
    private const int SpinsBeforeYield = 2000;

    [ThreadStatic]
    private static bool s_insideTask;

    private readonly Lock _oneRunAtATime = new();
    private readonly Worker[] _workers;
    private readonly Dictionary<Type, Work> _works = [];
    private volatile Work? _work;
    private volatile int _generation;
    private volatile bool _closing;

    /// <summary>Starts a team of <paramref name="size"/>: the calling thread and size − 1 others.</summary>
    public WorkerTeam(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        Size = size;
        _workers = new Worker[size - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Worker(this, i + 1);
        }
    }

    /// <summary>Number of threads, the caller included.</summary>
    public int Size { get; }

    /// <summary>Runs all tasks and returns when the last is done. From inside a task it runs them one after the other.</summary>
    /// <exception cref="Exception">The first exception that a task threw; the other tasks still ran.</exception>
    public void Run<TJob>(int tasks, in TJob job)
        where TJob : struct, IJob
    {
        if (tasks <= 1 || Size == 1 || s_insideTask)
        {
            for (int task = 0; task < tasks; task++)
            {
                job.Run(task, 0);
            }

            return;
        }

        lock (_oneRunAtATime)
        {
            var work = (Work<TJob>)(_works.TryGetValue(typeof(TJob), out Work? known) ? known : _works[typeof(TJob)] = new Work<TJob>());
            work.Start(job, tasks);
            _work = work;
            Interlocked.Increment(ref _generation);
            foreach (Worker worker in _workers)
            {
                worker.WakeIfAsleep();
            }

            work.Help(worker: 0);
            work.WaitUntilDone();
            work.ThrowIfFailed();
        }
    }

    public void Dispose()
    {
        _closing = true;
        Interlocked.Increment(ref _generation);
        foreach (Worker worker in _workers)
        {
            worker.WakeIfAsleep();
        }
    }

#pragma warning disable CA1001 // the semaphore is used by the thread until the process ends
    private sealed class Worker
#pragma warning restore CA1001
    {
        private readonly WorkerTeam _team;
        private readonly int _number;
        private readonly SemaphoreSlim _wake = new(0);
        private int _asleep;

        public Worker(WorkerTeam team, int number)
        {
            (_team, _number) = (team, number);
            new Thread(Loop) { IsBackground = true, Name = $"hieno worker {number}" }.Start();
        }

        public void WakeIfAsleep()
        {
            if (Interlocked.Exchange(ref _asleep, 0) != 0)
            {
                _wake.Release();
            }
        }

        private void Loop()
        {
            int seen = 0;
            while (!_team._closing)
            {
                long since = 0;
                for (int spins = 0; _team._generation == seen; spins++)
                {
                    if (spins < SpinRounds)
                    {
                        Pause();
                        continue;
                    }

                    if (spins == SpinRounds)
                    {
                        since = Stopwatch.GetTimestamp();
                    }

                    if (Stopwatch.GetTimestamp() - since < s_longestWait)
                    {
                        Thread.Yield();
                        continue;
                    }

                    // Announce the nap first and look once more: a run that started in between either sees the announcement or is seen here.
                    Volatile.Write(ref _asleep, 1);
                    Interlocked.MemoryBarrier();
                    if (_team._generation == seen)
                    {
                        _wake.Wait();
                    }

                    Volatile.Write(ref _asleep, 0);
                    spins = 0;
                }

                seen = _team._generation;
                _team._work?.Help(_number);
            }
        }
    }

    private abstract class Work
    {
        // Tasks claimed in the low half, number of tasks in the high half: one word, so that a late worker can never mix two runs.
        private ulong _claim;
        private int _done;
        private int _tasks;
        private ExceptionDispatchInfo? _failure;

        public void Help(int worker)
        {
            s_insideTask = true;
            for (int task = Claim(); task >= 0; task = Claim())
            {
                try
                {
                    Execute(task, worker);
                }
#pragma warning disable CA1031 // not swallowed: ThrowIfFailed throws it on the caller's thread
                catch (Exception e)
#pragma warning restore CA1031
                {
                    Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
                }

                Interlocked.Increment(ref _done);
            }

            s_insideTask = false;
        }

        public void WaitUntilDone()
        {
            for (int spins = 0; Volatile.Read(ref _done) < _tasks; spins++)
            {
                Pause();
                if (spins > SpinsBeforeYield)
                {
                    Thread.Yield();
                }
            }
        }

        public void ThrowIfFailed()
        {
            if (_failure is { } failure)
            {
                _failure = null;
                failure.Throw();
            }
        }

        protected abstract void Execute(int task, int worker);

        protected void Open(int tasks)
        {
            _tasks = tasks;
            _done = 0;
            Volatile.Write(ref _claim, (ulong)(uint)tasks << 32);
        }

        private int Claim()
        {
            ulong before = Volatile.Read(ref _claim);
            if ((uint)before >= (uint)(before >> 32))
            {
                return -1; // also keeps the counter from growing while workers look for work
            }

            ulong claimed = Interlocked.Increment(ref _claim) - 1;
            return (uint)claimed < (uint)(claimed >> 32) ? (int)(uint)claimed : -1;
        }
    }

    private sealed class Work<TJob> : Work
        where TJob : struct, IJob
    {
        private TJob _job;

        public void Start(in TJob job, int tasks)
        {
            _job = job;
            Open(tasks);
        }

        protected override void Execute(int task, int worker) => _job.Run(task, worker);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pause()
    {
        if (X86Base.IsSupported)
        {
            X86Base.Pause();
        }
        else
        {
            Thread.SpinWait(1);
        }
    }
}
