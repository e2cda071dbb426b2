Console.WriteLine("lowrank");
